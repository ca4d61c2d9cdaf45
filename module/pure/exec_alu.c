// SPDX-License-Identifier: GPL-2.0
/*
 * Arithmetic as the CPU does it, flags included. In C rather than with the
 * CPU's own instructions, so that it can be read, and held against the CPU by
 * the unit tests. Flags that the SDM leaves undefined keep their old value.
 */
#include "pure/exec.h"

static u64 sign_bit(unsigned int size)
{
	return 1ULL << (8 * size - 1);
}

static u64 flags_of_result(u64 r, unsigned int size)
{
	u64 flags = 0;

	if (!(r & exec_mask(size)))
		flags |= EXEC_ZF;
	if (r & sign_bit(size))
		flags |= EXEC_SF;
	if (!(hweight8(r & 0xff) & 1))
		flags |= EXEC_PF;
	return flags;
}

/* SF and ZF of a result, for what leaves PF alone or clears it. */
u64 exec_sign_zero(u64 r, unsigned int size)
{
	return flags_of_result(r, size) & (EXEC_SF | EXEC_ZF);
}

static void set_flags(u64 *rflags, u64 which, u64 value)
{
	*rflags = (*rflags & ~which) | (value & which);
}

static u64 add(u64 a, u64 b, u64 carry, unsigned int size, u64 *rflags)
{
	u64 r = (a + b + carry) & exec_mask(size);
	u64 flags = flags_of_result(r, size) | ((a ^ b ^ r) & EXEC_AF);

	/* The carry out of the top bit, from what went in and what came out. */
	if (((a & b) | ((a | b) & ~r)) & sign_bit(size))
		flags |= EXEC_CF;
	if (~(a ^ b) & (a ^ r) & sign_bit(size))
		flags |= EXEC_OF;
	set_flags(rflags, EXEC_ARITH, flags);
	return r;
}

static u64 sub(u64 a, u64 b, u64 borrow, unsigned int size, u64 *rflags)
{
	u64 r = (a - b - borrow) & exec_mask(size);
	u64 flags = flags_of_result(r, size) | ((a ^ b ^ r) & EXEC_AF);

	if (((~a & b) | ((~a | b) & r)) & sign_bit(size))
		flags |= EXEC_CF;
	if ((a ^ b) & (a ^ r) & sign_bit(size))
		flags |= EXEC_OF;
	set_flags(rflags, EXEC_ARITH, flags);
	return r;
}

static u64 logic(u64 r, unsigned int size, u64 *rflags)
{
	r &= exec_mask(size);
	/* AF is undefined; CPUs clear it. */
	set_flags(rflags, EXEC_ARITH, flags_of_result(r, size));
	return r;
}

/**
 * exec_arith() - an operation of two operands, or of one
 * @op: OP_ADD to OP_CMP, OP_TEST, OP_INC, OP_DEC, OP_NEG
 * @a: first operand, of @size bytes with zeroes above
 * @b: second operand, likewise
 * @size: 1, 2, 4 or 8
 * @rflags: flags in and out
 *
 * Return: the result; CMP's is the difference, TEST's the conjunction.
 */
u64 exec_arith(enum insn_op op, u64 a, u64 b, unsigned int size, u64 *rflags)
{
	u64 carry = *rflags & EXEC_CF;
	u64 r;

	switch (op) {
	case OP_ADD:
		return add(a, b, 0, size, rflags);
	case OP_ADC:
		return add(a, b, carry, size, rflags);
	case OP_SUB: case OP_CMP:
		return sub(a, b, 0, size, rflags);
	case OP_SBB:
		return sub(a, b, carry, size, rflags);
	case OP_OR:
		return logic(a | b, size, rflags);
	case OP_AND: case OP_TEST:
		return logic(a & b, size, rflags);
	case OP_XOR:
		return logic(a ^ b, size, rflags);
	case OP_NEG:
		return sub(0, a, 0, size, rflags);
	case OP_INC:
		r = add(a, 1, 0, size, rflags);
		break;
	case OP_DEC:
		r = sub(a, 1, 0, size, rflags);
		break;
	default:
		return a;
	}
	/* INC and DEC leave CF alone. */
	set_flags(rflags, EXEC_CF, carry);
	return r;
}

/* One step of a rotation or shift; @carry is CF in and out. */
static u64 shift_once(enum insn_op op, u64 a, u64 top, u64 *carry)
{
	u64 low = a & 1;
	u64 high = a & top ? 1 : 0;
	u64 in = 0;

	switch (op) {
	case OP_ROL: case OP_RCL: case OP_SHL: case OP_SAL:
		if (op == OP_ROL)
			in = high;
		else if (op == OP_RCL)
			in = *carry;
		*carry = high;
		return a << 1 | in;
	default:
		if (op == OP_ROR)
			in = low;
		else if (op == OP_RCR)
			in = *carry;
		else if (op == OP_SAR)
			in = high;
		*carry = low;
		return a >> 1 | (in ? top : 0);
	}
}

/**
 * exec_shift() - a rotation or shift
 * @op: OP_ROL to OP_SAR
 * @a: what to shift, of @size bytes with zeroes above
 * @count: by how much, not yet masked
 * @size: 1, 2, 4 or 8
 * @rflags: flags in and out
 *
 * At most 63 steps of one bit: slow, short, and plainly right.
 */
u64 exec_shift(enum insn_op op, u64 a, u8 count, unsigned int size, u64 *rflags)
{
	u64 top = sign_bit(size);
	u64 carry = *rflags & EXEC_CF;
	u64 flags = 0;
	bool overflow;
	u8 i;

	count &= size == 8 ? 63 : 31;
	if (!count)
		return a;
	for (i = 0; i < count; i++)
		a = shift_once(op, a, top, &carry) & exec_mask(size);

	/* OF is defined for a count of one only, and harmless for others. */
	if (op == OP_ROL || op == OP_RCL || op == OP_SHL || op == OP_SAL)
		overflow = !!(a & top) != carry;
	else
		overflow = !!(a & top) != !!(a & (top >> 1));
	/* After SAR both bits are the sign, so that OF is clear, as it must. */
	if (carry)
		flags |= EXEC_CF;
	if (overflow)
		flags |= EXEC_OF;
	set_flags(rflags, EXEC_CF | EXEC_OF, flags);
	if (op >= OP_SHL)
		set_flags(rflags, EXEC_ZF | EXEC_SF | EXEC_PF,
			  flags_of_result(a, size));
	return a;
}

/**
 * exec_shift_double() - SHLD or SHRD
 * @op: which
 * @a: what to shift
 * @b: what comes in
 * @count: by how much, not yet masked; more than the operand's bits (possible
 *	   with 16) has no defined result
 * @size: 2, 4 or 8
 * @rflags: flags in and out
 */
u64 exec_shift_double(enum insn_op op, u64 a, u64 b, u8 count,
		      unsigned int size, u64 *rflags)
{
	u64 top = sign_bit(size), before = a, carry = 0;
	u8 i;

	count &= size == 8 ? 63 : 31;
	if (!count)
		return a;
	for (i = 0; i < count; i++) {
		if (op == OP_SHLD) {
			carry = a & top;
			a = (a << 1 | (b & top ? 1 : 0)) & exec_mask(size);
			b <<= 1;
		} else {
			carry = a & 1;
			a = a >> 1 | (b & 1 ? top : 0);
			b >>= 1;
		}
	}
	set_flags(rflags, EXEC_ARITH & ~(u64)EXEC_AF,
		  flags_of_result(a, size) | (carry ? EXEC_CF : 0) |
		  ((a ^ before) & top ? EXEC_OF : 0));
	return a;
}

/**
 * exec_multiply() - MUL or IMUL
 * @a: of @size bytes with zeroes above
 * @b: likewise
 * @size: 1, 2, 4 or 8
 * @sign: IMUL
 * @high: upper half of the product
 * @rflags: CF and OF say that the lower half isn't all; the rest is undefined
 *
 * Return: the lower half.
 */
u64 exec_multiply(u64 a, u64 b, unsigned int size, bool sign, u64 *high,
		  u64 *rflags)
{
	unsigned int top = 8 * size - 1;
	unsigned __int128 product;
	u64 low;
	bool fits;

	if (sign)
		product = (__int128)sign_extend64(a, top) * sign_extend64(b, top);
	else
		product = (unsigned __int128)a * b;
	low = (u64)product & exec_mask(size);
	*high = (u64)(product >> (8 * size)) & exec_mask(size);
	fits = *high == (sign && low & sign_bit(size) ? exec_mask(size) : 0);
	set_flags(rflags, EXEC_CF | EXEC_OF, fits ? 0 : EXEC_CF | EXEC_OF);
	return low;
}

/* Divides by hand, for the kernel has no division of 128 bits; high < d. */
static u64 long_division(u64 high, u64 low, u64 d, u64 *remainder)
{
	unsigned int i;
	bool carry;

	for (i = 0; i < 64; i++) {
		carry = high >> 63;
		high = high << 1 | low >> 63;
		low <<= 1;
		if (carry || high >= d) {
			high -= d;
			low |= 1;
		}
	}
	*remainder = high;
	return low;
}

/**
 * exec_divide() - DIV or IDIV
 * @high: upper half of the dividend, of @size bytes
 * @low: lower half
 * @divisor: of @size bytes
 * @size: 1, 2, 4 or 8
 * @sign: IDIV
 * @quotient: result, rounded towards zero
 * @remainder: result, with the dividend's sign
 *
 * Return: false: #DE, the divisor is zero or the quotient too large.
 */
bool exec_divide(u64 high, u64 low, u64 divisor, unsigned int size, bool sign,
		 u64 *quotient, u64 *remainder)
{
	bool minus = sign && high & sign_bit(size);
	bool other = sign && divisor & sign_bit(size);
	u64 limit = exec_mask(size);

	if (size < 8) {
		low |= high << (8 * size);
		high = 0;
	}
	if (minus) {
		low = -low;
		high = size < 8 ? 0 : ~high + !low;
		if (size < 4)
			low &= exec_mask(2 * size);
	}
	if (other)
		divisor = -divisor & exec_mask(size);
	if (high >= divisor)
		return false;
	*quotient = long_division(high, low, divisor, remainder);
	if (sign)
		limit = sign_bit(size) - (minus == other);
	if (*quotient > limit)
		return false;
	if (minus != other)
		*quotient = -*quotient;
	if (minus)
		*remainder = -*remainder;
	return true;
}

/* "Condition Test Field (tttn)": bit 0 inverts. */
bool exec_condition(u8 cond, u64 rflags)
{
	bool of = rflags & EXEC_OF;
	bool cf = rflags & EXEC_CF;
	bool zf = rflags & EXEC_ZF;
	bool sf = rflags & EXEC_SF;
	bool pf = rflags & EXEC_PF;
	const bool met[8] = {
		of, cf, zf, cf || zf, sf, pf, sf != of, zf || sf != of
	};

	return met[cond >> 1 & 7] != (cond & 1);
}

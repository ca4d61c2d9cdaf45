// SPDX-License-Identifier: GPL-2.0
/*
 * Bit manipulation of BMI1, BMI2 and SSE4.2, a bit at a time where that is
 * plainest. Flags that the SDM leaves undefined keep their old value.
 */
#include "pure/exec.h"

/* The bits of @value go, in order, to where @mask has ones. */
static u64 deposit(u64 value, u64 mask)
{
	u64 r = 0;

	for (; mask; mask &= mask - 1, value >>= 1)
		if (value & 1)
			r |= mask & -mask;
	return r;
}

/* And back. */
static u64 extract(u64 value, u64 mask)
{
	unsigned int i;
	u64 r = 0;

	for (i = 0; mask; mask &= mask - 1, i++)
		if (value & mask & -mask)
			r |= 1ULL << i;
	return r;
}

static u64 low_bits(u64 value, unsigned int nr)
{
	return nr < 64 ? value & ((1ULL << nr) - 1) : value;
}

static u64 bit_field(u64 value, u8 start, u8 len)
{
	return start < 64 ? low_bits(value >> start, len) : 0;
}

static u64 rotate_right(u64 value, unsigned int nr, unsigned int bits)
{
	return nr ? value >> nr | value << (bits - nr) : value;
}

/* What leaves the flags alone. */
static u64 flagless(enum insn_op op, u64 a, u64 b, unsigned int bits)
{
	unsigned int count = b & (bits - 1);

	switch (op) {
	case OP_PDEP:
		return deposit(b, a);
	case OP_PEXT:
		return extract(b, a);
	case OP_SARX:
		return (u64)(sign_extend64(a, bits - 1) >> count);
	case OP_SHLX:
		return a << count;
	case OP_SHRX:
		return a >> count;
	default:
		return rotate_right(a, count, bits);
	}
}

/**
 * exec_bmi() - an operation of BMI1 or BMI2, but for MULX
 * @op: OP_ANDN to OP_RORX
 * @a: operand in memory, of @size bytes with zeroes above
 * @b: the other, likewise
 * @size: 4 or 8
 * @rflags: flags in and out
 *
 * Return: the result, with anything above @size bytes.
 */
u64 exec_bmi(enum insn_op op, u64 a, u64 b, unsigned int size, u64 *rflags)
{
	unsigned int bits = 8 * size;
	u64 which = EXEC_SF | EXEC_ZF | EXEC_CF | EXEC_OF;
	bool carry = false;
	u64 r, flags;

	switch (op) {
	case OP_ANDN:
		r = ~b & a;
		break;
	case OP_BEXTR:
		r = bit_field(a, b, b >> 8);
		which &= ~(u64)EXEC_SF;
		break;
	case OP_BLSR:
		r = a & (a - 1);
		carry = !a;
		break;
	case OP_BLSMSK:
		r = a ^ (a - 1);
		carry = !a;
		break;
	case OP_BLSI:
		r = a & -a;
		carry = a;
		break;
	case OP_BZHI:
		r = low_bits(a, b & 0xff);
		carry = (b & 0xff) >= bits;
		break;
	default:
		return flagless(op, a, b, bits);
	}
	flags = exec_sign_zero(r, size) | (carry ? EXEC_CF : 0);
	*rflags = (*rflags & ~which) | (flags & which);
	return r;
}

/* CRC32: the polynomial 11EDC6F41, bits reflected. */
u32 exec_crc32(u32 crc, u64 data, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < 8 * size; i++, data >>= 1)
		crc = crc >> 1 ^ ((crc ^ data) & 1 ? 0x82f63b78 : 0);
	return crc;
}

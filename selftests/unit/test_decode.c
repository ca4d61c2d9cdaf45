// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction decoder against a disassembler of the distribution
 * (Zydis), in all three modes: whatever lvx decodes, the disassembler
 * must see with the same length and memory operand, and whatever it sees of
 * the instructions that lvx says it knows, lvx must decode.
 */
#include <Zydis/Zydis.h>
#undef static_assert

#include "pure/decode.h"
#include "tap.h"

/* What an instruction is called that does @op, up to the first blank. */
struct name {
	const char *name;
	u8 op;
};

static const struct name names[] = {
	{ "add", OP_ADD }, { "or", OP_OR }, { "adc", OP_ADC },
	{ "sbb", OP_SBB }, { "and", OP_AND }, { "sub", OP_SUB },
	{ "xor", OP_XOR }, { "cmp", OP_CMP }, { "rol", OP_ROL },
	{ "ror", OP_ROR }, { "rcl", OP_RCL }, { "rcr", OP_RCR },
	{ "shl", OP_SHL }, { "shl", OP_SAL }, { "shr", OP_SHR },
	{ "sar", OP_SAR }, { "bt", OP_BT }, { "bts", OP_BTS },
	{ "btr", OP_BTR }, { "btc", OP_BTC }, { "mov", OP_MOV },
	{ "movabs", OP_MOV }, { "movzx", OP_MOV }, { "movnti", OP_MOV },
	{ "movsx", OP_MOVSX }, { "movsxd", OP_MOVSX },
	{ "movbe", OP_MOVBE }, { "test", OP_TEST }, { "xchg", OP_XCHG },
	{ "xadd", OP_XADD }, { "cmpxchg", OP_CMPXCHG },
	{ "cmpxchg8b", OP_CMPXCHG8B }, { "cmpxchg16b", OP_CMPXCHG8B },
	{ "inc", OP_INC }, { "dec", OP_DEC }, { "not", OP_NOT },
	{ "neg", OP_NEG }, { "imul", OP_IMUL }, { "imul", OP_IMUL_WIDE },
	{ "mul", OP_MUL }, { "div", OP_DIV }, { "idiv", OP_IDIV },
	{ "shld", OP_SHLD }, { "shrd", OP_SHRD }, { "xlat", OP_XLAT },
	{ "popcnt", OP_POPCNT }, { "crc32", OP_CRC32 }, { "adcx", OP_ADCX },
	{ "adox", OP_ADOX }, { "andn", OP_ANDN }, { "bextr", OP_BEXTR },
	{ "blsr", OP_BLSR }, { "blsmsk", OP_BLSMSK }, { "blsi", OP_BLSI },
	{ "bzhi", OP_BZHI }, { "pdep", OP_PDEP }, { "pext", OP_PEXT },
	{ "mulx", OP_MULX }, { "sarx", OP_SARX }, { "shlx", OP_SHLX },
	{ "shrx", OP_SHRX }, { "rorx", OP_RORX }, { "movdiri", OP_MOV },
	{ "prefetch", OP_PREFETCH }, { "prefetchw", OP_PREFETCH },
	{ "prefetchwt1", OP_PREFETCH }, { "prefetchnta", OP_PREFETCH },
	{ "prefetcht0", OP_PREFETCH }, { "prefetcht1", OP_PREFETCH },
	{ "prefetcht2", OP_PREFETCH }, { "bsf", OP_BSF },
	{ "bsr", OP_BSR }, { "tzcnt", OP_TZCNT }, { "lzcnt", OP_LZCNT },
	{ "push", OP_PUSH }, { "pop", OP_POP }, { "clflush", OP_FLUSH },
	{ "clflushopt", OP_FLUSH }, { "clwb", OP_FLUSH },
	{ "movsb", OP_MOVS }, { "movsw", OP_MOVS }, { "movsd", OP_MOVS },
	{ "movsq", OP_MOVS }, { "cmpsb", OP_CMPS }, { "cmpsw", OP_CMPS },
	{ "cmpsd", OP_CMPS }, { "cmpsq", OP_CMPS }, { "stosb", OP_STOS },
	{ "stosw", OP_STOS }, { "stosd", OP_STOS }, { "stosq", OP_STOS },
	{ "lodsb", OP_LODS }, { "lodsw", OP_LODS }, { "lodsd", OP_LODS },
	{ "lodsq", OP_LODS }, { "scasb", OP_SCAS }, { "scasw", OP_SCAS },
	{ "scasd", OP_SCAS }, { "scasq", OP_SCAS },
	{ "insb", OP_INS }, { "insw", OP_INS }, { "insd", OP_INS },
	{ "outsb", OP_OUTS }, { "outsw", OP_OUTS }, { "outsd", OP_OUTS },
	{ "movups", OP_VMOV }, { "movupd", OP_VMOV }, { "movss", OP_VMOV },
	{ "movsd", OP_VMOV }, { "movaps", OP_VMOV }, { "movapd", OP_VMOV },
	{ "movntps", OP_VMOV }, { "movntpd", OP_VMOV }, { "movd", OP_VMOV },
	{ "movq", OP_VMOV }, { "movdqa", OP_VMOV }, { "movdqu", OP_VMOV },
	{ "movntdq", OP_VMOV }, { "movntdqa", OP_VMOV }, { "lddqu", OP_VMOV },
	{ "movlps", OP_VMOVL }, { "movlpd", OP_VMOVL },
	{ "movhps", OP_VMOVH }, { "movhpd", OP_VMOVH },
	{ "movdqa32", OP_VMOV }, { "movdqa64", OP_VMOV },
	{ "movdqu8", OP_VMOV }, { "movdqu16", OP_VMOV },
	{ "movdqu32", OP_VMOV }, { "movdqu64", OP_VMOV },
	{ "movntq", OP_VMOV }, { "maskmovq", OP_VMOV },
	{ "maskmovdqu", OP_VMOV }, { "maskmovps", OP_VMOV },
	{ "maskmovpd", OP_VMOV }, { "pmaskmovd", OP_VMOV },
	{ "pmaskmovq", OP_VMOV }, { "movsldup", OP_VDUP_EVEN },
	{ "movddup", OP_VDUP_EVEN }, { "movshdup", OP_VDUP_ODD },
	{ "broadcastss", OP_VBROADCAST }, { "broadcastsd", OP_VBROADCAST },
	{ "broadcastf128", OP_VBROADCAST }, { "broadcasti128", OP_VBROADCAST },
	{ "broadcastf32x4", OP_VBROADCAST }, { "broadcastf64x2", OP_VBROADCAST },
	{ "broadcastf32x8", OP_VBROADCAST }, { "broadcastf64x4", OP_VBROADCAST },
	{ "broadcasti32x4", OP_VBROADCAST }, { "broadcasti64x2", OP_VBROADCAST },
	{ "broadcasti32x8", OP_VBROADCAST }, { "broadcasti64x4", OP_VBROADCAST },
	{ "broadcastf32x2", OP_VBROADCAST }, { "broadcasti32x2", OP_VBROADCAST },
	{ "pbroadcastb", OP_VBROADCAST }, { "pbroadcastw", OP_VBROADCAST },
	{ "pbroadcastd", OP_VBROADCAST }, { "pbroadcastq", OP_VBROADCAST },
	{ "pinsrb", OP_VINSERT }, { "pinsrw", OP_VINSERT },
	{ "pinsrd", OP_VINSERT }, { "pinsrq", OP_VINSERT },
	{ "insertf128", OP_VINSERT }, { "inserti128", OP_VINSERT },
	{ "insertps", OP_VINSERTPS }, { "extractps", OP_VEXTRACT },
	{ "pextrb", OP_VEXTRACT }, { "pextrw", OP_VEXTRACT },
	{ "pextrd", OP_VEXTRACT }, { "pextrq", OP_VEXTRACT },
	{ "extractf128", OP_VEXTRACT }, { "extracti128", OP_VEXTRACT },
};

static const struct {
	enum insn_mode mode;
	ZydisMachineMode machine;
	ZydisStackWidth width;
} modes[] = {
	{ INSN_MODE_16, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16 },
	{ INSN_MODE_32, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32 },
	{ INSN_MODE_64, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64 },
};

static ZydisDecoder oracles[3];

/* What the oracle says of the bytes in hand. */
static ZydisDecodedInstruction zi;
static ZydisDecodedOperand zo[ZYDIS_MAX_OPERAND_COUNT];

static void open_oracles(void)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		ZydisDecoderInit(&oracles[i], modes[i].machine, modes[i].width);
}

/* @op: NR_OPS for any. */
static bool name_means(const char *name, u8 op)
{
	unsigned int i;

	if (op == OP_SETCC || op == NR_OPS)
		if (!strncmp(name, "set", 3))
			return true;
	if (op == OP_CMOV || op == NR_OPS)
		if (!strncmp(name, "cmov", 4))
			return true;
	if (name[0] == 'v')
		name++;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if ((op == names[i].op || op == NR_OPS) &&
		    !strcmp(name, names[i].name))
			return true;
	return false;
}

static const char *mnemonic(void)
{
	return ZydisMnemonicGetString(zi.mnemonic);
}

static u8 reg_number(ZydisRegister reg)
{
	if (reg == ZYDIS_REGISTER_NONE)
		return INSN_NO_REG;
	if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
		return INSN_REG_RIP;
	return ZydisRegisterGetId(reg);
}

static const char *hex(const u8 *bytes)
{
	static char text[64];
	unsigned int i;

	for (i = 0; i < 16; i++)
		sprintf(text + 3 * i, "%02x ", bytes[i]);
	return text;
}

#define COMPARE(what, ours, theirs) do {				\
	unsigned long long __o = (ours), __t = (theirs);		\
	if (__o != __t)							\
		TAP_FAIL("mode %u: %s(%s): %s 0x%llx, not 0x%llx",	\
			 insn->mode, hex(bytes), mnemonic(), what,	\
			 __o, __t);					\
} while (0)

/* The memory operand, but not the stack of PUSH and POP. */
static const ZydisDecodedOperand *memory_operand(void)
{
	unsigned int i;

	for (i = 0; i < zi.operand_count; i++)
		if (zo[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    (zo[i].visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN ||
		     ZydisRegisterGetId(zo[i].mem.base) != 4))
			return &zo[i];
	return NULL;
}

static const ZydisDecodedOperand *operand(ZydisOperandType type, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < zi.operand_count_visible; i++)
		if (zo[i].type == type && !n--)
			return &zo[i];
	return NULL;
}

static const ZydisDecodedOperand *register_operand(ZydisOperandEncoding encoding)
{
	unsigned int i;

	for (i = 0; i < zi.operand_count; i++)
		if (zo[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    zo[i].encoding == encoding)
			return &zo[i];
	return NULL;
}

static void compare_byte_register(const u8 *bytes, const struct insn *insn,
				  ZydisRegister reg)
{
	/* AH to BH: which they are, is for the executor to see. */
	if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
		EXPECT(!insn->rex);
	else if (reg >= ZYDIS_REGISTER_SPL && reg <= ZYDIS_REGISTER_DIL)
		EXPECT(insn->rex);
	COMPARE("register", insn->reg, reg - ZYDIS_REGISTER_AL -
		(reg >= ZYDIS_REGISTER_SPL ? 4 : 0));
}

static void compare_registers(const u8 *bytes, const struct insn *insn)
{
	const ZydisDecodedOperand *reg, *mask, *second;

	reg = register_operand(ZYDIS_OPERAND_ENCODING_MODRM_REG);
	second = register_operand(ZYDIS_OPERAND_ENCODING_NDSNDD);
	mask = register_operand(ZYDIS_OPERAND_ENCODING_MASK);
	if (insn->op >= OP_BLSR && insn->op <= OP_BLSI)
		COMPARE("register", insn->reg, ZydisRegisterGetId(second->reg.value));
	else if (reg && reg->size == 8)
		compare_byte_register(bytes, insn, reg->reg.value);
	else if (reg)
		COMPARE("register", insn->reg, ZydisRegisterGetId(reg->reg.value));
	if (second && insn->mask == OPND_VEC)
		COMPARE("mask", insn->mask_reg, ZydisRegisterGetId(second->reg.value));
	else if (second)
		COMPARE("source", insn->vvvv, ZydisRegisterGetId(second->reg.value));
	if (mask && mask->reg.value != ZYDIS_REGISTER_K0) {
		COMPARE("mask", insn->mask, OPND_MASK);
		COMPARE("mask", insn->mask_reg, ZydisRegisterGetId(mask->reg.value));
		COMPARE("zeroing", insn->zeroing,
			zi.avx.mask.mode == ZYDIS_MASK_MODE_ZEROING);
	} else {
		EXPECT(insn->mask != OPND_MASK);
	}
	if (insn->mask != OPND_NONE && insn->dst == OPND_VEC)
		COMPARE("element", 8 * insn->elsize, zo[0].element_size);
}

static void compare(const u8 *bytes, const struct insn *insn)
{
	static const ZydisRegister segs[] = {
		ZYDIS_REGISTER_ES, ZYDIS_REGISTER_CS, ZYDIS_REGISTER_SS,
		ZYDIS_REGISTER_DS, ZYDIS_REGISTER_FS, ZYDIS_REGISTER_GS,
	};
	const ZydisDecodedOperand *imm = operand(ZYDIS_OPERAND_TYPE_IMMEDIATE, 0);
	u64 mask = insn->adsize == 8 ? ~0ULL : (1ULL << 8 * insn->adsize) - 1;
	const ZydisDecodedOperand *mem = memory_operand();

	COMPARE("length", insn->len, zi.length);
	if (!name_means(mnemonic(), insn->op))
		TAP_FAIL("mode %u: %s is %s, not op %u", insn->mode,
			 hex(bytes), mnemonic(), insn->op);
	if (!mem) {
		TAP_FAIL("mode %u: %s is %s, without memory", insn->mode,
			 hex(bytes), mnemonic());
		return;
	}
	COMPARE("address size", 8 * insn->adsize, zi.address_width);
	/* MOVSXD of 16 bits reads 16, says the SDM, and Zydis: 32. */
	if (insn->op != OP_FLUSH && insn->op != OP_PREFETCH &&
	    (zi.mnemonic != ZYDIS_MNEMONIC_MOVSXD || insn->opsize != 2))
		COMPARE("size", 8 * insn->memsize, mem->size);
	if (insn->dst == OPND_STR || insn->src == OPND_STR)
		return;
	compare_registers(bytes, insn);
	COMPARE("base", insn->base, reg_number(mem->mem.base));
	COMPARE("index", insn->index, reg_number(mem->mem.index));
	if (insn->index != INSN_NO_REG)
		COMPARE("scale", 1 << insn->scale, mem->mem.scale);
	COMPARE("displacement", insn->disp & mask,
		(u64)mem->mem.disp.value & mask);
	COMPARE("segment", segs[insn->seg], mem->mem.segment);
	/* Zydis doesn't extend an immediate to the operation's size. */
	if (imm)
		COMPARE("immediate", (u8)insn->imm, (u8)imm->imm.value.u);
	if (imm && imm->imm.is_signed)
		COMPARE("immediate", insn->imm, imm->imm.value.u);
}

/* What lvx leaves out, of instructions that have the name of a known one. */
static bool left_out(void)
{
	/* Into a segment register; CMPSD of vectors; NOPs that name memory. */
	return (zo[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		ZydisRegisterGetClass(zo[0].reg.value) == ZYDIS_REGCLASS_SEGMENT) ||
	       (zi.opcode == 0xc2 && zi.opcode_map == ZYDIS_OPCODE_MAP_0F) ||
	       zi.encoding == ZYDIS_INSTRUCTION_ENCODING_XOP;
}

static unsigned long nr_compared;

static void check(unsigned int mode, const u8 *bytes)
{
	struct insn insn;
	enum decode_result result;
	bool seen;

	result = insn_decode(&insn, modes[mode].mode, bytes, 16);
	seen = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&oracles[mode], bytes, 16,
						   &zi, zo));
	if (result == DECODE_OK && !seen) {
		TAP_FAIL("mode %u: %s decoded as op %u", mode, hex(bytes),
			 insn.op);
	} else if (result == DECODE_OK) {
		nr_compared++;
		compare(bytes, &insn);
	} else if (seen && name_means(mnemonic(), NR_OPS) && memory_operand() &&
		   !left_out()) {
		TAP_FAIL("mode %u: %s (%s) not decoded: %d", mode, hex(bytes),
			 mnemonic(), result);
	}
}

/* A byte or none; each alone, so that the table's every column is seen. */
static const u8 prefixes[] = { 0, 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x48, 0x4f };

/* Every opcode of every map with ModRM in every form, in every mode. */
static void check_opcode(unsigned int mode, unsigned int map, u8 opcode)
{
	static const u8 escapes[INSN_NR_VEC_MAPS][2] = {
		{}, { 0x0f }, { 0x0f, 0x38 }, { 0x0f, 0x3a },
	};
	unsigned int nr_escapes = min_t(unsigned int, map, 2);
	unsigned int i, modrm, step, n;
	u8 bytes[16];

	for (i = 0; i < ARRAY_SIZE(prefixes); i++) {
		step = i || map >= 2 ? 11 : 1;
		for (modrm = 0; modrm < 256; modrm += step) {
			n = 0;
			memset(bytes, 0x92, sizeof(bytes));
			if (prefixes[i])
				bytes[n++] = prefixes[i];
			memcpy(bytes + n, escapes[map], nr_escapes);
			n += nr_escapes;
			bytes[n++] = opcode;
			bytes[n++] = modrm;
			bytes[n] = modrm ^ opcode;
			check(mode, bytes);
		}
	}
}

TEST(decode_all_opcodes)
{
	unsigned int mode, map, opcode;

	open_oracles();
	nr_compared = 0;
	for (mode = 0; mode < 3; mode++)
		for (map = 0; map < INSN_NR_VEC_MAPS; map++)
			for (opcode = 0; opcode < 256; opcode++)
				check_opcode(mode, map, opcode);
	EXPECT(nr_compared > 100000);
}

TEST(decode_vex)
{
	unsigned int mode, second, opcode, modrm;
	u8 bytes[16];

	open_oracles();
	nr_compared = 0;
	memset(bytes, 0x31, sizeof(bytes));
	for (mode = 0; mode < 3; mode++) {
		for (second = 0; second < 256; second += 3) {
			for (opcode = 0; opcode < 256; opcode++) {
				modrm = second * 7 + opcode;
				memcpy(bytes, (u8[]){ 0xc5, second, opcode, modrm }, 4);
				check(mode, bytes);
				memcpy(bytes, (u8[]){ 0xc4, (second & 0xe0) | 1,
				       second * 5, opcode, modrm }, 5);
				check(mode, bytes);
				bytes[1]++;
				check(mode, bytes);
				bytes[1]++;
				check(mode, bytes);
			}
		}
	}
	EXPECT(nr_compared > 400);
}

/* EVEX with random fields, of which those that must be fixed mostly are. */
static void check_evex(unsigned int mode, unsigned int map, u8 opcode, u64 r)
{
	struct insn insn;
	u8 bytes[16];

	memset(bytes, r >> 56, sizeof(bytes));
	bytes[0] = 0x62;
	bytes[1] = (r & 0xf0) | map | (mode == 2 ? 0 : 0xc0);
	bytes[2] = (r >> 8 & 0x83) | 4 | (r & 7 ? 0x78 : r >> 16 & 0x78);
	bytes[3] = (r >> 24 & 0xf7) | (r & 0x700000000 ? 8 : 0);
	if (r & 0x3800000000)
		bytes[3] &= 0x6f;
	bytes[4] = opcode;
	bytes[5] = r >> 40;
	bytes[6] = r >> 48;
	/* The oracle is slow; of what lvx doesn't know it sees a part. */
	if (r >> 60 == 0 ||
	    insn_decode(&insn, modes[mode].mode, bytes, 16) != DECODE_UNKNOWN)
		check(mode, bytes);
}

TEST(decode_evex)
{
	unsigned int mode, map, opcode, i;
	struct tap_rnd rnd = { 7 };

	open_oracles();
	nr_compared = 0;
	for (mode = 0; mode < 3; mode++)
		for (map = 1; map < INSN_NR_VEC_MAPS; map++)
			for (opcode = 0; opcode < 256; opcode++)
				for (i = 0; i < 200; i++)
					check_evex(mode, map, opcode,
						   tap_rnd64(&rnd));
	EXPECT(nr_compared > 1000);
}

/* From insns.S: a byte with the length before each, and 0 at the end. */
extern const u8 insns_64[];

TEST(decode_assembled)
{
	struct insn insn;
	u8 bytes[16];
	const u8 *p;

	open_oracles();
	nr_compared = 0;
	for (p = insns_64; *p; p += *p + 1) {
		memset(bytes, 0xcc, sizeof(bytes));
		memcpy(bytes, p + 1, *p);
		EXPECT_EQ(insn_decode(&insn, INSN_MODE_64, bytes, 16), DECODE_OK);
		EXPECT_EQ(insn.len, *p);
		check(2, bytes);
	}
	EXPECT(nr_compared > 1000);
}

TEST(decode_random_bytes)
{
	struct tap_rnd rnd = { 1 };
	unsigned long i, rounds = tap_fuzz_rounds(300000);
	u8 bytes[16];
	u64 r;

	open_oracles();
	for (i = 0; i < rounds; i++) {
		r = tap_rnd64(&rnd);
		memcpy(bytes, &r, 8);
		r = tap_rnd64(&rnd);
		memcpy(bytes + 8, &r, 8);
		/* Half of them with a prefix in front. */
		if (r & 1)
			bytes[0] = prefixes[(r >> 1) % ARRAY_SIZE(prefixes)];
		check(i % 3, bytes);
	}
}

/* Bytes that end too early are never read beyond, and never decoded. */
TEST(decode_needs_all_bytes)
{
	static const u8 code[] = {
		0x64, 0x66, 0x41, 0xc7, 0x84, 0x88, 1, 2, 3, 4, 5, 6
	};
	struct insn insn;
	unsigned int nr;
	u8 *exact;

	for (nr = 0; nr <= sizeof(code); nr++) {
		/* The sanitizer sees a read past the end of a heap block. */
		exact = malloc(nr ?: 1);
		memcpy(exact, code, nr);
		EXPECT_EQ(insn_decode(&insn, INSN_MODE_64, exact, nr),
			  nr < sizeof(code) ? DECODE_MORE : DECODE_OK);
		free(exact);
	}
	EXPECT_EQ(insn.len, sizeof(code));
}

/* Without a memory operand none is accessed, but for the stack. */
TEST(decode_register_forms)
{
	static const struct {
		u8 code[2];
		enum decode_result result;
	} forms[] = {
		{ { 0x89, 0xc0 }, DECODE_NO_MEMORY },	/* mov %eax, %eax */
		{ { 0xff, 0xc0 }, DECODE_NO_MEMORY },	/* inc %eax */
		{ { 0xff, 0xf0 }, DECODE_UNKNOWN },	/* push %rax */
		{ { 0x8f, 0xc0 }, DECODE_UNKNOWN },	/* pop %rax */
		{ { 0x50, 0x00 }, DECODE_UNKNOWN },	/* push %rax */
	};
	struct insn insn;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(forms); i++)
		EXPECT_EQ(insn_decode(&insn, INSN_MODE_64, forms[i].code, 2),
			  forms[i].result);
}

TEST(decode_fifteen_bytes)
{
	u8 code[20];
	struct insn insn;

	/* mov %eax, (%rax) behind prefixes: 13 fit, 14 don't. */
	memset(code, 0x3e, sizeof(code));
	memcpy(code + 13, (u8[]){ 0x89, 0x00 }, 2);
	EXPECT_EQ(insn_decode(&insn, INSN_MODE_64, code, 20), DECODE_OK);
	EXPECT_EQ(insn.len, 15);
	memset(code, 0x3e, sizeof(code));
	memcpy(code + 14, (u8[]){ 0x89, 0x00 }, 2);
	EXPECT_EQ(insn_decode(&insn, INSN_MODE_64, code, 20), DECODE_TOO_LONG);
}

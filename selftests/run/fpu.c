// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's FPU, SSE and AVX state: it gets there, it comes back, it follows
 * XCR0, and neither guest nor host sees the other's.
 */
#include <sys/syscall.h>

#include "harness.h"

#define XCR0_FP_SSE	3
#define XCR0_AVX	4
#define XCR0_PKRU	(1ULL << 9)
#define CR4_OSFXSR	(1ULL << 9)
#define CR4_OSXSAVE	(1ULL << 18)

/* Offsets in the XSAVE area: "Legacy Region of an XSAVE Area" and its header. */
#define XS_FCW		0
#define XS_MXCSR	24
#define XS_XMM		160
#define XS_BV		512
#define XS_COMP_BV	520
#define XS_YMM		576

#define MSR_IA32_XSS	0xda0
#define COMPACTED	(1ULL << 63)
#define GP		13

static uint8_t *get_xsave(struct vcpu *v)
{
	uint8_t *x = calloc(1, sizeof(struct kvm_xsave));

	do_ioctl(v->fd, KVM_GET_XSAVE, x);
	return x;
}

static long set_xsave(struct vcpu *v, uint8_t *x)
{
	return try_ioctl(v->fd, KVM_SET_XSAVE, x);
}

static uint64_t *q(uint8_t *x, unsigned int offset)
{
	return (uint64_t *)(x + offset);
}

static void enable(struct vcpu *v, uint64_t cr4)
{
	struct kvm_sregs s = get_sregs(v);

	s.cr4 |= cr4;
	set_sregs(v, &s);
}

static bool has_xsave(void)
{
	return cpuid_find(supported_cpuid(), 1, 0)->ecx & 1 << 26;
}

static bool has_avx(void)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(supported_cpuid(), 0xd, 0);

	return e && (e->eax & XCR0_AVX);
}

static volatile uint64_t shared[16] __attribute__((aligned(64)));
static uint8_t shared_area[4096] __attribute__((aligned(64)));
static volatile uint32_t control;

static void guest_sse(void)
{
	asm volatile("movdqu %%xmm0, %0" : "=m"(shared));
	asm volatile("fnstcw %0" : "=m"(control));
	guest_sync(1);
	asm volatile("movdqu %0, %%xmm15" :: "m"(shared));
	shared[0] = 0x27f;
	asm volatile("fldcw %0" :: "m"(shared));
	guest_sync(2);
}

TEST(state_at_reset)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_fpu fpu;

	EXPECT_EQ(0x1f80, *(uint32_t *)(get_xsave(v) + XS_MXCSR));
	do_ioctl(v->fd, KVM_GET_FPU, &fpu);
	EXPECT_EQ(0x37f, fpu.fcw);
	EXPECT_EQ(0, fpu.fsw);
}

TEST(xsave_reaches_the_guest)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	uint8_t *x = get_xsave(v);

	vcpu_long(v, guest_sse);
	*q(x, XS_BV) |= XCR0_FP_SSE;
	*(uint16_t *)(x + XS_FCW) = 0x37e;
	*q(x, XS_XMM) = 0x1111222233334444;
	*q(x, XS_XMM + 8) = 0x5555666677778888;
	ASSERT_EQ(0, set_xsave(v, x));
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(0x1111222233334444, shared[0]);
	EXPECT_EQ(0x5555666677778888, shared[1]);
	EXPECT_EQ(0x37e, control & 0xffff);
	ASSERT_EQ(2, vcpu_sync(v));
	x = get_xsave(v);
	EXPECT_EQ(0x1111222233334444, *q(x, XS_XMM + 15 * 16));
	EXPECT_EQ(0x27f, *(uint16_t *)(x + XS_FCW));
}

TEST(fpu_reaches_the_guest)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	uint8_t *x = get_xsave(v);
	struct kvm_fpu fpu;

	vcpu_long(v, guest_sse);
	/* KVM loses the new values of components in their initial state. */
	*q(x, XS_BV) |= XCR0_FP_SSE;
	ASSERT_EQ(0, set_xsave(v, x));
	do_ioctl(v->fd, KVM_GET_FPU, &fpu);
	fpu.fcw = 0x37e;
	*(uint64_t *)fpu.xmm[0] = 0x0123456789abcdef;
	do_ioctl(v->fd, KVM_SET_FPU, &fpu);
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(0x0123456789abcdef, shared[0]);
	EXPECT_EQ(0x37e, control & 0xffff);
	ASSERT_EQ(2, vcpu_sync(v));
	do_ioctl(v->fd, KVM_GET_FPU, &fpu);
	EXPECT_EQ(0x0123456789abcdef, *(uint64_t *)fpu.xmm[15]);
	EXPECT_EQ(0x27f, fpu.fcw);
}

TEST(xsave_refused)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	uint8_t *good = get_xsave(v), *x = get_xsave(v), *after;

	if (!has_xsave())
		SKIP(return, "the host has no XSAVE");
	*q(x, XS_BV) |= 1ULL << 62;
	EXPECT_EQ(-EINVAL, set_xsave(v, x));
	x = get_xsave(v);
	*q(x, XS_BV) |= XCR0_FP_SSE;
	*(uint32_t *)(x + XS_MXCSR) = ~0U;
	EXPECT_EQ(-EINVAL, set_xsave(v, x));
	x = get_xsave(v);
	/* Reserved words of the header. */
	*q(x, XS_BV + 24) = 1;
	EXPECT_EQ(-EINVAL, set_xsave(v, x));
	after = get_xsave(v);
	EXPECT_EQ(0, memcmp(good, after, sizeof(struct kvm_xsave)));
}

static uint64_t xgetbv(void)
{
	uint32_t lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | (uint64_t)hi << 32;
}

static void guest_avx(void)
{
	shared[8] = xgetbv();
	asm volatile("vmovdqu %%ymm3, %0" : "=m"(shared));
	guest_sync(1);
	asm volatile("vmovdqu %0, %%ymm4" :: "m"(shared));
	guest_sync(2);
}

static long set_xcr0(struct vcpu *v, uint64_t value)
{
	struct kvm_xcrs x = { .nr_xcrs = 1, .xcrs = { { .value = value } } };

	return try_ioctl(v->fd, KVM_SET_XCRS, &x);
}

TEST(avx_state)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	uint8_t *x = get_xsave(v);

	if (!has_avx())
		SKIP(return, "the host has no AVX");
	vcpu_long(v, guest_avx);
	enable(v, CR4_OSXSAVE);
	ASSERT_EQ(0, set_xcr0(v, XCR0_FP_SSE | XCR0_AVX));
	*q(x, XS_BV) |= XCR0_FP_SSE | XCR0_AVX;
	*q(x, XS_XMM + 3 * 16) = 1;
	*q(x, XS_YMM + 3 * 16) = 2;
	ASSERT_EQ(0, set_xsave(v, x));
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(7, shared[8]);
	EXPECT_EQ(1, shared[0]);
	EXPECT_EQ(2, shared[2]);
	shared[0] = 5;
	shared[2] = 6;
	ASSERT_EQ(2, vcpu_sync(v));
	x = get_xsave(v);
	EXPECT_EQ(5, *q(x, XS_XMM + 4 * 16));
	EXPECT_EQ(6, *q(x, XS_YMM + 4 * 16));
}

static bool has_xsaves(void)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(supported_cpuid(), 0xd, 1);

	return e && e->eax & 1 << 3;
}

/* XSAVES and XRSTORS, with exits to user space between them. */
static void guest_xsaves(void)
{
	uint64_t in[4] = { 1, 2, 3, 4 }, out[4] = {};

	asm volatile("vmovdqu %0, %%ymm5" :: "m"(in));
	shared[0] = TRY("xsaves64 (%0)", :: "r"(shared_area),
			"a"(XCR0_AVX | 2), "d"(0) : "memory");
	asm volatile("vpxor %ymm5, %ymm5, %ymm5");
	guest_sync(1);
	shared[1] = TRY("xrstors64 (%0)", :: "r"(shared_area),
			"a"(XCR0_AVX | 2), "d"(0) : "memory");
	guest_sync(2);
	asm volatile("vmovdqu %%ymm5, %0" : "=m"(out));
	shared[2] = out[0] == 1 && out[1] == 2 && out[2] == 3 && out[3] == 4;
	/* The standard format is XRSTOR's. */
	*q(shared_area, XS_COMP_BV) = 0;
	shared[3] = TRY("xrstors64 (%0)", :: "r"(shared_area),
			"a"(XCR0_AVX | 2), "d"(0) : "memory");
	/* There is no supervisor state to be had. */
	shared[4] = TRY("wrmsr", :: "c"(MSR_IA32_XSS), "a"(0), "d"(0));
	shared[5] = TRY("wrmsr", :: "c"(MSR_IA32_XSS), "a"(1), "d"(0));
	guest_sync(3);
}

TEST(xsaves)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	uint8_t *x;

	if (!has_avx() || !has_xsaves())
		SKIP(return, "the host has no XSAVES, or no AVX");
	memset(shared_area, 0, sizeof(shared_area));
	vcpu_long(v, guest_xsaves);
	enable(v, CR4_OSXSAVE);
	ASSERT_EQ(0, set_xcr0(v, XCR0_FP_SSE | XCR0_AVX));
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(-1, (int)shared[0]);
	EXPECT_EQ(COMPACTED | XCR0_AVX | 2, *q(shared_area, XS_COMP_BV));
	EXPECT_EQ(XCR0_AVX | 2, *q(shared_area, XS_BV));
	EXPECT_EQ(2, *q(shared_area, XS_XMM + 5 * 16 + 8));
	EXPECT_EQ(3, *q(shared_area, XS_YMM + 5 * 16));
	ASSERT_EQ(2, vcpu_sync(v));
	EXPECT_EQ(-1, (int)shared[1]);
	x = get_xsave(v);
	EXPECT_EQ(2, *q(x, XS_XMM + 5 * 16 + 8));
	EXPECT_EQ(3, *q(x, XS_YMM + 5 * 16));
	ASSERT_EQ(3, vcpu_sync(v));
	EXPECT_EQ(1, shared[2]);
	EXPECT_EQ(GP, shared[3]);
	EXPECT_EQ(-1, (int)shared[4]);
	EXPECT_EQ(GP, shared[5]);
}

static const struct {
	uint64_t value;
	bool ok;
} xcr0_values[] = {
	{ 0, false }, { 1, true }, { 2, false }, { 3, true }, { 5, false },
	{ 1ULL << 63 | 3, false }, { 1ULL << 9 | 1ULL << 5, false },
};

TEST(xcr0_rules)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_xcrs x;
	uint64_t now = 1;

	if (!has_xsave())
		SKIP(return, "the host has no XSAVE");
	do_ioctl(v->fd, KVM_GET_XCRS, &x);
	EXPECT_EQ(1, x.nr_xcrs);
	EXPECT_EQ(1, x.xcrs[0].value);
	for (size_t i = 0; i < ARRAY_SIZE(xcr0_values); i++) {
		EXPECT_EQ(xcr0_values[i].ok ? 0 : -EINVAL,
			  set_xcr0(v, xcr0_values[i].value))
			TH_LOG("%lx", (long)xcr0_values[i].value);
		if (xcr0_values[i].ok)
			now = xcr0_values[i].value;
		do_ioctl(v->fd, KVM_GET_XCRS, &x);
		EXPECT_EQ(now, x.xcrs[0].value);
	}
	x.nr_xcrs = KVM_MAX_XCRS + 1;
	EXPECT_EQ(-EINVAL, try_ioctl(v->fd, KVM_SET_XCRS, &x));
	x.nr_xcrs = 1;
	x.flags = 1;
	EXPECT_EQ(-EINVAL, try_ioctl(v->fd, KVM_SET_XCRS, &x));
}

static volatile int xsetbv_vector[4];

static void guest_xsetbv(void)
{
	static const uint32_t values[4] = { 3, 0, 5, 1 };

	for (int i = 0; i < 4; i++)
		xsetbv_vector[i] = TRY("xsetbv", :: "c"(0), "a"(values[i]),
				       "d"(0) : "memory");
	shared[0] = xgetbv();
}

/* A CPU without XSAVE has no XCR, and says so. */
TEST(no_xcrs_without_xsave)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_xcrs x;

	if (has_xsave())
		SKIP(return, "the host has XSAVE");
	do_ioctl(v->fd, KVM_GET_XCRS, &x);
	EXPECT_EQ(0, x.nr_xcrs);
	EXPECT_EQ(-EINVAL, set_xcr0(v, 1));
}

/* Whatever the table says, the CPU must take it: none of these goes alone. */
TEST(xcr0_of_an_odd_table)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 0xd, 0);

	if (!has_xsave())
		SKIP(return, "the host has no XSAVE");
	/* KVM wants AMX to be asked for. */
	e->eax = on_lvx() ? ~0U : ~(3U << 17);
	e->edx = ~0U;
	do_ioctl(v->fd, KVM_SET_CPUID2, c);
	for (int bit = 2; bit < 64; bit++)
		if (1ULL << bit != XCR0_PKRU)
			EXPECT_EQ(-EINVAL, set_xcr0(v, 1ULL << bit | 1));
}

static uint32_t pkru_offset;

/* CR4.PKE is clear: no RDPKRU, no WRPKRU. */
static void guest_pkru(void)
{
	uint64_t *header = (uint64_t *)((char *)shared_area + XS_BV);
	uint32_t *pkru = (uint32_t *)((char *)shared_area + pkru_offset);

	asm volatile("xsave %0" : "+m"(shared_area) : "a"(XCR0_PKRU), "d"(0));
	CHECK_EQ(0, *header & XCR0_PKRU ? *pkru : 0);
	*header = XCR0_PKRU;
	*pkru = 0x55555550;
	asm volatile("xrstor %0" :: "m"(shared_area), "a"(XCR0_PKRU), "d"(0));
	guest_sync(1);
	*pkru = 0;
	asm volatile("xsave %0" : "+m"(shared_area) : "a"(XCR0_PKRU), "d"(0));
	CHECK_EQ(0x55555550, *pkru);
}

static uint32_t rdpkru(void)
{
	uint32_t value, edx;

	asm volatile("rdpkru" : "=a"(value), "=d"(edx) : "c"(0));
	return value;
}

/* XSAVE and XRSTOR reach it in any case, but not the host's. */
TEST(pkru_without_protection_keys)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_cpuid_entry2 *e = cpuid_find(supported_cpuid(), 0xd, 0);
	uint32_t r[4], before;

	guest_cpuid(7, 0, r);
	if (!(r[2] & 1 << 4) || !(e->eax & XCR0_PKRU))
		SKIP(return, "the host has no protection keys");
	guest_cpuid(0xd, 9, r);
	pkru_offset = r[1];
	before = rdpkru();
	ASSERT_NE(0x55555550, before);
	vcpu_long(v, guest_pkru);
	enable(v, CR4_OSXSAVE);
	ASSERT_EQ(0, set_xcr0(v, 1 | XCR0_PKRU));
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(before, rdpkru());
	ASSERT_EQ(-1U, vcpu_sync(v));
	EXPECT_EQ(before, rdpkru());
}

TEST(xsetbv)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	if (!has_avx())
		SKIP(return, "the host has no AVX");
	vcpu_long(v, guest_xsetbv);
	enable(v, CR4_OSXSAVE);
	ASSERT_EQ(-1U, vcpu_sync(v));
	EXPECT_EQ(-1, xsetbv_vector[0]);
	EXPECT_EQ(13, xsetbv_vector[1]);
	EXPECT_EQ(13, xsetbv_vector[2]);
	EXPECT_EQ(-1, xsetbv_vector[3]);
	EXPECT_EQ(1, shared[0]);
}

static void guest_clobber(void)
{
	uint64_t other[2] = { 0xbad, 0xbad };

	for (int i = 0; i < 4; i++)
		asm volatile("movdqu %0, %%xmm0; movdqu %0, %%xmm7" :: "m"(other));
	for (int i = 0; i < 3; i++)
		guest_sync(i);
}

/* The registers of the thread in KVM_RUN are its own, before and after. */
TEST(host_keeps_its_registers)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	uint64_t in[2] = { 0x1234, 0x5678 }, out[2] = {};
	long ret;

	vcpu_long(v, guest_clobber);
	for (int i = 0; i < 3; i++) {
		ret = SYS_ioctl;
		asm volatile("movdqu %[in], %%xmm7; syscall\n\t"
			     "movdqu %%xmm7, %[out]"
			     : "+a"(ret), [out] "=m"(out)
			     : "D"((long)v->fd), "S"((long)KVM_RUN), "d"(0L),
			       [in] "m"(in) : "rcx", "r11", "memory");
		ASSERT_EQ(0, ret);
		EXPECT_EQ(0x1234, out[0]);
		EXPECT_EQ(0x5678, out[1]);
		in[0] = out[0];
	}
	EXPECT_EQ(0xbad, *q(get_xsave(v), XS_XMM + 7 * 16));
}

LVX_TEST_MAIN

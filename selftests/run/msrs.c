// SPDX-License-Identifier: GPL-2.0
/*
 * Every MSR of the ranges in which guests look for some, on a CPU of Intel's and
 * with the CPUID of one of AMD's: who may read and write it, and what it is.
 *
 * What is expected is the table in Documentation/msrs.rst, which gives a reason
 * for each difference between lvx and KVM: the build makes msr_rows.h of it. An
 * MSR that isn't in the table must not be there.
 */
#include <cpuid.h>

#include "harness.h"
#include "msr_sweep.h"

/*
 * struct row: a line of the table
 * @step: between two MSRs of the line
 * @cpu: "intel", "amd", or "*" for both
 * @value: what is read, in hexadecimal: "*": anything; lvx's and KVM's by "/"
 * @lvx: see letters
 * @kvm_6_1: "=": as lvx
 * @kvm_6_12: likewise
 */
struct row {
	uint32_t first, count, step;
	const char *cpu, *value, *lvx, *kvm_6_1, *kvm_6_12;
};

static const struct row rows[] = {
#include "msr_rows.h"
};

static const struct { uint32_t first, count; } ranges[] = {
	{ 0, 0x2000 },
	{ 0x40000000, 0x200 },
	{ 0x4b564d00, 0x100 },
	{ 0xc0000000, 0x2000 },
	{ 0xc0010000, 0x2000 },
};

/* By bits of enum msr_access. */
static const char letters[] = "rsztRSZT";

static void to_letters(unsigned int access, char text[9])
{
	for (int i = 0; i < 8; i++)
		text[i] = access & 1U << i ? letters[i] : '-';
	text[8] = 0;
}

static const struct row *find_row(uint32_t index, bool amd)
{
	const struct row *row = rows;

	for (; row < rows + ARRAY_SIZE(rows); row++) {
		if (strcmp(row->cpu, "*") && strcmp(row->cpu, amd ? "amd" : "intel"))
			continue;
		if (index >= row->first && !((index - row->first) % row->step) &&
		    (index - row->first) / row->step < row->count)
			return row;
	}
	return NULL;
}

static const char *expected_access(const struct row *row)
{
	const char *kvm;

	if (!row)
		return "--------";
	if (on_lvx())
		return row->lvx;
	kvm = kernel_before(6, 12) ? row->kvm_6_1 : row->kvm_6_12;
	return strcmp(kvm, "=") ? kvm : row->lvx;
}

static bool value_fits(const struct row *row, const struct msr_result *r)
{
	uint64_t got = r->access & GUEST_READS ? r->value : r->host_value;
	const char *text, *slash;

	if (!row || !(r->access & (GUEST_READS | HOST_READS)) ||
	    !strcmp(row->value, "*"))
		return true;
	text = row->value;
	slash = strchr(text, '/');
	if (slash && !on_lvx())
		text = slash + 1;
	return got == strtoull(text, NULL, 16);
}

/* Says what is wrong; the line can be copied into the table. */
static unsigned int judge(uint32_t index, bool amd, const struct msr_result *r)
{
	const struct row *row = find_row(index, amd);
	char got[9];

	to_letters(r->access, got);
	if (!strcmp(got, expected_access(row)) && value_fits(row, r))
		return 0;
	fprintf(stderr, "# %08x %s: %s %llx (host %llx), expected %s %s\n", index,
	       amd ? "amd" : "intel", got, (long long)r->value,
	       (long long)r->host_value, expected_access(row),
	       row ? row->value : "");
	return 1;
}

/*
 * The table is about the CPU of the lab's own emulator, which has no SPEC_CTRL;
 * with the distribution's emulator the host has no XSAVES.
 */
static bool lab_cpu(void)
{
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 0xd, 1);
	unsigned int model = cpuid_find(c, 1, 0)->eax & 0xff0ff0;
	bool xsaves = e && e->eax & 1U << 3;
	unsigned int unused, edx = 0;

	free(c);
	__get_cpuid_count(7, 0, &unused, &unused, &unused, &edx);
	return model == 0x050650 && xsaves && !(edx & 1U << 26);
}

static unsigned int sweep(bool amd)
{
	const struct msr_result *results;
	unsigned int wrong = 0;
	struct msr_sweep s;

	msr_sweep_start(&s, amd);
	for (unsigned int i = 0; i < ARRAY_SIZE(ranges); i++) {
		results = msr_sweep(&s, ranges[i].first, ranges[i].count);
		for (uint32_t k = 0; k < ranges[i].count; k++)
			wrong += judge(ranges[i].first + k, amd, &results[k]);
	}
	return wrong;
}

FIXTURE(msrs) { };

FIXTURE_SETUP(msrs) { }

FIXTURE_TEARDOWN(msrs) { }

TEST_F_TIMEOUT(msrs, intel, 60)
{
	if (!lab_cpu())
		SKIP(return, "the table is about another CPU");
	ASSERT_EQ(0, sweep(false));
}

TEST_F_TIMEOUT(msrs, amd, 60)
{
	if (!lab_cpu())
		SKIP(return, "the table is about another CPU");
	ASSERT_EQ(0, sweep(true));
}

/* Those that AMD's kernels touch without asking, one by one. */
static void guest_amd(void)
{
	CHECK_EQ(0x20000000, rdmsr(0xc001001b));
	wrmsr(0xc001001b, 0x12345678);
	CHECK_EQ(0x20000000, rdmsr(0xc001001b));
	wrmsr(0xc0010020, 0x1000);
	CHECK_EQ(13, TRY("rdmsr", :: "c"(0xc0010020) : "rax", "rdx"));
	CHECK_EQ(0, rdmsr(0xc0010058));
	wrmsr(0xc0010058, 0);
	CHECK_EQ(13, TRY("wrmsr", :: "c"(0xc0010058), "a"(1), "d"(0)));
	CHECK_EQ(0, rdmsr(0xc001102c));
	wrmsr(0xc001102c, 1);
	CHECK_EQ(0, rdmsr(0xc001102c));
	wrmsr(0xc0010140, 5);
	CHECK_EQ(5, rdmsr(0xc0010140));
	wrmsr(0xc0010141, 0x1f);
	CHECK_EQ(0x1f, rdmsr(0xc0010141));
	wrmsr(0xc0000103, 0x123456789abcdef0);
	CHECK_EQ(0x9abcdef0, rdmsr(0xc0000103));
}

TEST(what_amd_guests_need)
{
	struct msr_sweep s;

	msr_sweep_start(&s, true);
	vcpu_long(s.guest, guest_amd);
	ASSERT_EQ(-1U, vcpu_sync(s.guest));
}

LVX_TEST_MAIN

// SPDX-License-Identifier: GPL-2.0
/*
 * lvx doctor on machines of other people: what it says about a CPU, and the
 * remedies. /proc and /sys are a folder here, CPUID is a function, and /dev/null
 * plays a device whose ioctls fail as a test says.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"
#include "userspace/commands.h"
#include "userspace/host.h"

#define VMX		(1u << 5)
#define HYPERVISOR	(1u << 31)

static char root[] = "/tmp/doctor.XXXXXX";
static const char *vendor;
static uint32_t features;	/* leaf 1, ECX */
static int create_error;
static char said[8192];

int ioctl(int fd, unsigned long request, ...)
{
	errno = create_error;
	return -1;
}

static void cpuid(uint32_t leaf, uint32_t regs[4])
{
	memset(regs, 0, 4 * sizeof(regs[0]));
	if (leaf == 0) {
		memcpy(&regs[1], vendor, 4);
		memcpy(&regs[3], vendor + 4, 4);
		memcpy(&regs[2], vendor + 8, 4);
	} else if (leaf == 1) {
		regs[2] = features;
	}
}

static void put(const char *path, const char *text)
{
	char full[256];
	size_t i;
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (i = strlen(root) + 1; full[i]; i++) {
		if (full[i] != '/')
			continue;
		full[i] = 0;
		mkdir(full, 0755);
		full[i] = '/';
	}
	file = fopen(full, "w");
	if (!file)
		abort();
	fputs(text, file);
	fclose(file);
}

/* A machine with nothing in /proc and /sys. */
static void machine(const char *vendor_, uint32_t features_)
{
	char command[64];

	vendor = vendor_;
	features = features_;
	create_error = ENOTTY;
	if (host.root != root && !mkdtemp(root))
		abort();
	host.root = root;
	host.cpuid = cpuid;
	snprintf(command, sizeof(command), "rm -rf %s/*", root);
	if (system(command))
		abort();
}

/* Runs it, and returns its status; what it says is in @said. */
static int doctor(const char *node)
{
	char *argv[] = { "doctor", "--device", (char *)node, NULL };
	FILE *out = tmpfile();
	int real, status;
	size_t length;

	fflush(stdout);
	real = dup(STDOUT_FILENO);
	dup2(fileno(out), STDOUT_FILENO);
	optind = 1;
	status = cmd_doctor(3, argv);
	fflush(stdout);
	dup2(real, STDOUT_FILENO);
	close(real);
	rewind(out);
	length = fread(said, 1, sizeof(said) - 1, out);
	said[length] = 0;
	fclose(out);
	return status;
}

#define SAYS(text) do {							\
	if (!strstr(said, text))					\
		TAP_FAIL("doctor does not say \"%s\":\n%s", text, said); \
} while (0)

#define SAYS_NOT(text) do {						\
	if (strstr(said, text))						\
		TAP_FAIL("doctor says \"%s\":\n%s", text, said);	\
} while (0)

static void no_remedy_that_does_not_help(void)
{
	SAYS_NOT("firmware's");
	SAYS_NOT("in its setup");
	SAYS_NOT("nested");
	SAYS_NOT("insmod");
}

/* On the metal, and in a virtual machine: nothing there would help. */
TEST(amd)
{
	static const uint32_t kinds[] = { 0, HYPERVISOR };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		machine("AuthenticAMD", kinds[i]);
		put("/proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu svm npt\n");
		EXPECT_EQ(doctor("/dev/lvx"), 1);
		SAYS("bad      lvx needs VMX, which is Intel's");
		SAYS("this CPU's vendor is AuthenticAMD");
		no_remedy_that_does_not_help();
	}
}

/* Where another node is named, that is looked at. */
TEST(amd_and_another_node)
{
	machine("AuthenticAMD", 0);
	EXPECT_EQ(doctor("/dev/null"), 1);
	SAYS("bad      /dev/null is no hypervisor's device");
}

TEST(intel_without_vmx)
{
	machine("GenuineIntel", HYPERVISOR);
	put("/proc/cpuinfo", "flags\t\t: fpu\n");
	EXPECT_EQ(doctor("/dev/lvx"), 1);
	SAYS("bad      this is a virtual machine without VMX; switch on nested virtualization");
	SAYS_NOT("in its setup");
	machine("GenuineIntel", 0);
	EXPECT_EQ(doctor("/dev/lvx"), 1);
	SAYS("bad      this Intel CPU has no VMX");
	no_remedy_that_does_not_help();
}

TEST(firmware)
{
	machine("GenuineIntel", VMX);
	put("/proc/cpuinfo", "flags\t\t: fpu vme\n");
	EXPECT_EQ(doctor("/dev/lvx"), 1);
	SAYS("ok       the CPU has VMX");
	SAYS("bad      the firmware has locked VMX off; switch it on in its setup");
	put("/proc/cpuinfo", "flags\t\t: fpu vmx\nvmx flags\t: ept unrestricted_guest\n");
	EXPECT_EQ(doctor("/dev/lvx"), 1);
	SAYS("ok       the firmware leaves VMX on");
	SAYS("ok       the CPU has EPT");
	SAYS("ok       the CPU has unrestricted guest");
	SAYS("bad      the module lvx is not loaded; insmod lvx.ko");
}

/* Another vendor's CPU that has it is as good. */
TEST(vmx_of_another_vendor)
{
	machine("CentaurHauls", VMX);
	doctor("/dev/lvx");
	SAYS("ok       the CPU has VMX");
}

TEST(who_holds_vmx)
{
	static const char at_load[] = "/sys/module/kvm/parameters/enable_virt_at_load";

	machine("GenuineIntel", VMX);
	create_error = EBUSY;
	put("/sys/module/kvm_intel/refcnt", "0\n");
	/* Linux 6.1 */
	EXPECT_EQ(doctor("/dev/null"), 1);
	SAYS("bad      kvm_intel owns VMX; stop its virtual machines, or rmmod kvm_intel");
	/* Linux 6.12 */
	put(at_load, "Y\n");
	EXPECT_EQ(doctor("/dev/null"), 1);
	SAYS("bad      kvm_intel owns VMX; rmmod kvm_intel, or boot with kvm.enable_virt_at_load=0");
	SAYS_NOT("stop its");
	put(at_load, "N\n");
	EXPECT_EQ(doctor("/dev/null"), 1);
	SAYS("bad      kvm_intel owns VMX; stop its virtual machines, or rmmod kvm_intel");
	/* Another one, without KVM */
	machine("GenuineIntel", VMX);
	create_error = EBUSY;
	EXPECT_EQ(doctor("/dev/null"), 1);
	SAYS("bad      another hypervisor owns VMX, and it is not KVM");
	SAYS_NOT("kvm_intel;");
	machine("GenuineIntel", VMX);
	rmdir(root);
}

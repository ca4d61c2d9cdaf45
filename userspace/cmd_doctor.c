// SPDX-License-Identifier: GPL-2.0
/*
 * lvx doctor: why does it not run here, and what helps?
 *
 * The checks are a table, in the order in which one thing needs another. Each
 * looks at one thing and gives its finding in one line: what is so, and if
 * that is bad, the remedy. All of them run, since two things can be wrong at
 * once; but without VMX in the CPU none of the others' remedies would help.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "host.h"
#include "util.h"
#include "vm.h"

#define CPUID_1_ECX_VMX		(1u << 5)
#define CPUID_1_ECX_HYPERVISOR	(1u << 31)

#define LVX_NODE "/dev/lvx"

enum result { GOOD, BAD, UNKNOWN };

static const char *const result_names[] = {
	[GOOD] = "ok", [BAD] = "bad", [UNKNOWN] = "unknown",
};

struct patient {
	const char *node;
	char finding[256];
};

static enum result find(struct patient *patient, enum result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static enum result find(struct patient *patient, enum result result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(patient->finding, sizeof(patient->finding), format, args);
	va_end(args);
	return result;
}

/* Does the line @key of /proc/cpuinfo have @word? -1: there is no such line. */
static int cpuinfo_has(const char *key, const char *word)
{
	FILE *file = host_open("/proc/cpuinfo");
	size_t size = 0, length = strlen(word);
	char *line = NULL, *at;
	int has = -1;

	while (file && has < 0 && getline(&line, &size, file) > 0) {
		if (strncmp(line, key, strlen(key)) || !strchr("\t :", line[strlen(key)]))
			continue;
		has = 0;
		for (at = strstr(line, word); at && !has; at = strstr(at + 1, word))
			has = at[-1] == ' ' && strchr(" \n", at[length]);
	}
	free(line);
	if (file)
		fclose(file);
	return has;
}

/* What VMX is part of: CPUs of Intel's, and few others'. */
static bool has_vmx(void)
{
	uint32_t regs[4];

	host.cpuid(1, regs);
	return regs[2] & CPUID_1_ECX_VMX;
}

static enum result check_cpu(struct patient *patient)
{
	uint32_t regs[4];
	char vendor[13] = "";

	if (has_vmx())
		return find(patient, GOOD, "the CPU has VMX");
	/* Twelve letters, in EBX, EDX, ECX. */
	host.cpuid(0, regs);
	memcpy(vendor, &regs[1], 4);
	memcpy(vendor + 4, &regs[3], 4);
	memcpy(vendor + 8, &regs[2], 4);
	if (strcmp(vendor, "GenuineIntel"))
		return find(patient, BAD,
			    "lvx needs VMX, which is Intel's, and this CPU's vendor is %s; use the emulated machine (make run)",
			    vendor);
	host.cpuid(1, regs);
	if (regs[2] & CPUID_1_ECX_HYPERVISOR)
		return find(patient, BAD,
			    "this is a virtual machine without VMX; switch on nested virtualization in its host");
	return find(patient, BAD,
		    "this Intel CPU has no VMX; use another one, or the emulated machine (make run)");
}

/* Linux hides the flag when the firmware has locked VMX off. */
static enum result check_firmware(struct patient *patient)
{
	switch (cpuinfo_has("flags", "vmx")) {
	case 1:
		return find(patient, GOOD, "the firmware leaves VMX on");
	case 0:
		return find(patient, BAD,
			    "the firmware has locked VMX off; switch it on in its setup (Intel Virtualization Technology)");
	}
	return find(patient, UNKNOWN, "/proc/cpuinfo can't be read; mount /proc");
}

static enum result check_feature(struct patient *patient, const char *flag, const char *name)
{
	switch (cpuinfo_has("vmx flags", flag)) {
	case 1:
		return find(patient, GOOD, "the CPU has %s", name);
	case 0:
		return find(patient, BAD, "the CPU has no %s; lvx needs a CPU of 2010 or later", name);
	}
	return find(patient, UNKNOWN, "Linux doesn't tell whether the CPU has %s", name);
}

static enum result check_ept(struct patient *patient)
{
	return check_feature(patient, "ept", "EPT");
}

static enum result check_unrestricted(struct patient *patient)
{
	return check_feature(patient, "unrestricted_guest", "unrestricted guest");
}

static enum result check_module(struct patient *patient)
{
	bool kvm = strstr(patient->node, "kvm");

	if (kvm && lvx_serves_kvm())
		return find(patient, GOOD, "the module lvx is loaded, and serves /dev/kvm, too");
	if (host_has_module(kvm ? "kvm_intel" : "lvx"))
		return find(patient, GOOD, "the module %s is loaded", kvm ? "kvm_intel" : "lvx");
	return find(patient, BAD, "the module %s is not loaded; %s", kvm ? "kvm_intel" : "lvx",
		    kvm ? "modprobe kvm_intel" : "insmod lvx.ko, or modprobe lvx");
}

static enum result check_node(struct patient *patient)
{
	struct stat stat_;

	if (stat(patient->node, &stat_) < 0)
		return find(patient, BAD, "there is no %s; load the module, and mount devtmpfs on /dev",
			    patient->node);
	if (!S_ISCHR(stat_.st_mode))
		return find(patient, BAD, "%s is no device node; remove it, and load the module again",
			    patient->node);
	if (access(patient->node, R_OK | W_OK) < 0)
		return find(patient, BAD, "you may not open %s; be root, or in the group %u that owns it",
			    patient->node, stat_.st_gid);
	return find(patient, GOOD, "%s can be opened", patient->node);
}

static enum result explain_busy(struct patient *patient)
{
	if (lvx_serves_kvm())
		return find(patient, BAD,
			    "another hypervisor owns VMX, and it is not KVM; stop its virtual machines");
	if (strstr(patient->node, "kvm"))
		return find(patient, BAD, "someone else owns VMX, perhaps lvx; stop its virtual machines");
	if (!host_has_module("kvm_intel"))
		return find(patient, BAD,
			    "another hypervisor owns VMX, and it is not KVM; stop its virtual machines");
	return find(patient, BAD, "kvm_intel owns VMX; %s", host_free_vmx());
}

/* The proof: make a virtual machine, and take it away again. */
static enum result check_create(struct patient *patient)
{
	int node = open(patient->node, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int error, vm;

	if (node < 0)
		return find(patient, UNKNOWN, "no virtual machine was tried, as %s can't be opened",
			    patient->node);
	vm = ioctl(node, KVM_CREATE_VM, 0);
	error = errno;
	close(node);
	if (vm >= 0) {
		close(vm);
		return find(patient, GOOD, "a virtual machine can be created");
	}
	if (error == EBUSY)
		return explain_busy(patient);
	if (error == ENOTTY)
		return find(patient, BAD,
			    "%s is no hypervisor's device; --device takes /dev/lvx or /dev/kvm",
			    patient->node);
	return find(patient, BAD, "a virtual machine can't be created (%s); dmesg says why",
		    strerror(error));
}

static const struct check {
	const char *name;
	enum result (*run)(struct patient *patient);
	enum { ANY_CPU, VMX, VMX_OR_OTHER_NODE } needs;	/* to be worth a look */
} checks[] = {
	{ "cpu",	check_cpu,	ANY_CPU },
	{ "firmware",	check_firmware,	VMX },
	{ "ept",	check_ept,	VMX },
	{ "unrestricted-guest", check_unrestricted, VMX },
	{ "module",	check_module,	VMX_OR_OTHER_NODE },
	{ "node",	check_node,	VMX_OR_OTHER_NODE },
	{ "create",	check_create,	VMX_OR_OTHER_NODE },
};

/* What no remedy could help to is not looked at, and none is told. */
static enum result run_check(const struct check *check, struct patient *patient)
{
	bool own = !strcmp(patient->node, LVX_NODE);

	if (check->needs != ANY_CPU && !has_vmx() && (own || check->needs == VMX))
		return find(patient, UNKNOWN, "%s was not looked at: the CPU has no VMX",
			    check->name);
	return check->run(patient);
}

/* No finding holds a character that JSON would want escaped, but a node's name. */
static void print_json_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
			printf("\\u%04x", (unsigned char)*text);
		else
			putchar(*text);
	}
	putchar('"');
}

static int examine(struct patient *patient, bool json)
{
	int status = STATUS_OK;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		enum result result = run_check(&checks[i], patient);

		if (result == BAD)
			status = STATUS_FAILED;
		if (!json) {
			printf("%-8s %s\n", result_names[result], patient->finding);
			continue;
		}
		printf("%s{\"check\": \"%s\", \"result\": \"%s\", \"finding\": ",
		       i ? ",\n " : "[", checks[i].name, result_names[result]);
		print_json_string(patient->finding);
		putchar('}');
	}
	if (json)
		puts("]");
	return status;
}

static const char help[] =
"Usage: lvx doctor [OPTION]...\n"
"\n"
"Looks for what keeps virtual machines from running on this machine, and says\n"
"what helps.\n"
"\n"
"  --device NODE    Look at this device node. The default is /dev/lvx.\n"
"  --json           Print the findings as JSON.\n"
"  --help           Show this text.\n"
"\n"
"The exit status is 0 if nothing bad was found, 1 if something was, and 2 if\n"
"the command line is wrong.\n";

int cmd_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device",	required_argument,	NULL, 'd' },
		{ "json",	no_argument,		NULL, 'j' },
		{ "help",	no_argument,		NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct patient patient = { .node = LVX_NODE };
	bool json = false;
	int option, at = optind;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			patient.node = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return STATUS_OK;
		default:
			return option_error("doctor", option, argv[at]);
		}
		at = optind;
	}
	if (optind < argc)
		return usage_error("doctor", "'%s' is one argument too many", argv[optind]);
	return examine(&patient, json);
}

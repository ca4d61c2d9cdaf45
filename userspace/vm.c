// SPDX-License-Identifier: GPL-2.0
/*
 * The device node and the VM descriptor: opening them with an answer to every
 * way in which that can go wrong, and what concerns the VM as a whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console.h"
#include "host.h"
#include "machine.h"
#include "vcpu.h"
#include "vm.h"

/* The nodes we know, and who stands behind them. */
static const struct {
	const char *node;
	const char *module;
	const char *load;
} known[] = {
	{ "/dev/lvx", "lvx", "load the module: insmod lvx.ko, or modprobe lvx" },
	{ "/dev/kvm", "kvm_intel", "load the module: modprobe kvm_intel" },
};

static unsigned int known_index(const char *node)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].node, node))
			break;
	return i;
}

static int explain_open(const char *node, int error)
{
	unsigned int i = known_index(node);
	const char *module;
	struct stat stat_;

	switch (error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		if (i == ARRAY_SIZE(known))
			return fail("there is no device '%s'; --device takes /dev/lvx or /dev/kvm",
				    node);
		module = lvx_serves_kvm() ? "lvx" : known[i].module;
		if (host_has_module(module))
			return fail("there is no %s although the module %s is loaded; mount devtmpfs on /dev, and see dmesg",
				    node, module);
		return fail("there is no %s; %s", node, known[i].load);
	case EACCES:
	case EPERM:
		if (!stat(node, &stat_))
			return fail("no permission to open %s; run as root, or join the group that owns it (gid %u)",
				    node, stat_.st_gid);
		break;
	}
	return fail("cannot open %s: %s; 'lvx doctor' may know why", node, strerror(error));
}

int node_open(struct vm *vm)
{
	const char *node = vm->config->node;
	int version;

	vm->node = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (vm->node < 0)
		return explain_open(node, errno);
	version = ioctl(vm->node, KVM_GET_API_VERSION, 0);
	if (version == KVM_API_VERSION)
		return 0;
	node_close(vm);
	if (version < 0)
		return fail("'%s' is no hypervisor's device; --device takes /dev/lvx or /dev/kvm",
			    node);
	return fail("'%s' speaks version %d of the KVM interface, not %d; use a newer kernel",
		    node, version, KVM_API_VERSION);
}

void node_close(struct vm *vm)
{
	close(vm->node);
}

static int explain_busy(const char *node)
{
	if (lvx_serves_kvm())
		return fail("%s: another hypervisor owns VMX, and it is not KVM", node);
	if (!strcmp(node, "/dev/kvm"))
		return fail("%s: someone else owns VMX, perhaps lvx: stop its virtual machines",
			    node);
	return fail("%s: someone else owns VMX, perhaps kvm_intel: %s", node, host_free_vmx());
}

static int explain_create(const char *node, int error)
{
	switch (error) {
	case EBUSY:
		return explain_busy(node);
	case EOPNOTSUPP:
	case ENODEV:
	case EIO:
		return fail("%s: this machine offers no usable VMX (%s); 'lvx doctor' says what is missing",
			    node, strerror(error));
	case ENOMEM:
		return fail("%s: the kernel has no memory for another virtual machine; free some",
			    node);
	}
	return fail("%s: cannot create a virtual machine: %s; see dmesg", node, strerror(error));
}

int vm_create(struct vm *vm)
{
	do {
		vm->fd = ioctl(vm->node, KVM_CREATE_VM, 0);
	} while (vm->fd < 0 && errno == EINTR);
	if (vm->fd < 0)
		return explain_create(vm->config->node, errno);
	return 0;
}

void vm_destroy(struct vm *vm)
{
	close(vm->fd);
}

/* What KVM_CHECK_EXTENSION says; a refusal to say counts as no. */
int vm_has(const struct vm *vm, unsigned long capability)
{
	int value = ioctl(vm->node, KVM_CHECK_EXTENSION, capability);

	return value < 0 ? 0 : value;
}

/*
 * The interrupt controllers, all in the kernel. The PIT, and the PIC, are for
 * guests that can't or shall not use the APICs; others hardly touch them.
 */
int irqchip_init(struct vm *vm)
{
	uint64_t identity_map = KVM_IDENTITY_MAP_ADDR;
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	const char *what = NULL;

	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, KVM_TSS_ADDR) < 0)
		what = "KVM_SET_TSS_ADDR";
	else if (vm_has(vm, KVM_CAP_SET_IDENTITY_MAP_ADDR) &&
		 ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0)
		what = "KVM_SET_IDENTITY_MAP_ADDR";
	else if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) < 0)
		what = "KVM_CREATE_IRQCHIP";
	else if (vm_has(vm, KVM_CAP_PIT2) && ioctl(vm->fd, KVM_CREATE_PIT2, &pit) < 0)
		what = "KVM_CREATE_PIT2";
	if (what)
		return fail("%s: %s failed: %s; see dmesg", vm->config->node, what,
			    strerror(errno));
	return 0;
}

/* Only fails if the GSI does not exist, which would be our own mistake. */
void vm_set_irq(struct vm *vm, uint32_t gsi, bool level)
{
	struct kvm_irq_level irq = { .irq = gsi, .level = level };

	if (ioctl(vm->fd, KVM_IRQ_LINE, &irq) < 0)
		vm_end(vm, END_FAILED, "cannot raise interrupt %u: %s", gsi, strerror(errno));
}

/*
 * End the VM. The first caller's reason counts; all vCPUs leave the guest, and
 * the main thread takes over. Callable from any thread.
 */
void vm_end(struct vm *vm, enum end end, const char *format, ...)
{
	struct outcome *outcome = &vm->outcome;
	va_list args;

	pthread_mutex_lock(&vm->end_lock);
	if (!vm->ended) {
		outcome->end = end;
		outcome->cpu = vcpu_current();
		va_start(args, format);
		vsnprintf(outcome->text, sizeof(outcome->text), format, args);
		va_end(args);
		vm->ended = true;
	}
	pthread_mutex_unlock(&vm->end_lock);
	vcpus_kick(vm);
	console_wake(vm->console);
}

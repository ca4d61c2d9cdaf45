/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of what malformed calls get: one descriptor of each kind, rows of
 * calls with the result that KVM gives, and the proof that refused calls have
 * changed nothing.
 */
#ifndef LVX_TEST_TARGETS_H
#define LVX_TEST_TARGETS_H

#include "harness.h"

enum on {
	SYS,
	VM,		/* with a vCPU, without an irqchip */
	VM_IRQ,		/* with a vCPU, irqchip and PIT */
	VM_NEW,		/* with nothing */
	VCPU,		/* VM's */
	VCPU_IRQ,	/* VM_IRQ's */
	TARGETS
};

struct targets {
	int fd[TARGETS];
	struct vcpu *vcpu, *vcpu_irq;
};

struct row {
	const char *what;
	enum on on;
	unsigned long nr;
	void *arg;
	long expect;
};

#define BAD_PTR		((void *)0x10)
#define VALUE(x)	((void *)(unsigned long)(x))
#define ARG(type, ...)	(&(struct type) { __VA_ARGS__ })

static inline struct targets targets_new(void)
{
	struct vm *vm = vm_new(0), *vm_irq = vm_new(VM_PIT);
	struct targets t = {
		.vcpu = vcpu_new(vm, 0), .vcpu_irq = vcpu_new(vm_irq, 0),
	};

	t.fd[SYS] = sys_fd;
	t.fd[VM] = vm->fd;
	t.fd[VM_IRQ] = vm_irq->fd;
	t.fd[VM_NEW] = vm_new(VM_NOMEM)->fd;
	t.fd[VCPU] = t.vcpu->fd;
	t.fd[VCPU_IRQ] = t.vcpu_irq->fd;
	return t;
}

/* Both VMs still do what they did: run to a port. */
static inline void still_alive(struct __test_metadata *_metadata,
			       const struct targets *t)
{
	struct vcpu *v[] = { t->vcpu, t->vcpu_irq };
	static const uint8_t code[] = { 0xe6, 0x99 };	/* out %al, $0x99 */

	for (int i = 0; i < 2; i++) {
		memcpy(v[i]->vm->ram + GPA_REAL, code, sizeof(code));
		vcpu_real(v[i], GPA_REAL >> 4, 0);
		ASSERT_EXIT(KVM_EXIT_IO, v[i]);
		ASSERT_EQ(0x99, v[i]->run->io.port);
	}
}

static inline void check_rows(struct __test_metadata *_metadata,
			      const struct row *rows, size_t n)
{
	struct targets t = targets_new();

	for (size_t i = 0; i < n; i++) {
		long ret = try_ioctl(t.fd[rows[i].on], rows[i].nr, rows[i].arg);

		EXPECT_EQ(rows[i].expect, ret)
			TH_LOG("%s: %s", rows[i].what, strerror(-ret));
	}
	still_alive(_metadata, &t);
}

#define CHECK_ROWS(rows) check_rows(_metadata, rows, ARRAY_SIZE(rows))

#endif

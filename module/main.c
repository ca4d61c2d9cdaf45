// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading: the levels' own set-up from below to above, then the
 * device node, which lets users in; and the same backwards.
 *
 * Loading disturbs nobody: VMX is switched on with the first VM (see
 * vmx/host.c). Unloading is refused by the kernel while a descriptor is open.
 */
#include <linux/init.h>
#include <linux/module.h>

#include "base/vcpu.h"
#include "top.h"
#include "vmx/vmx.h"

static int __init lvx_init(void)
{
	int err;

	err = lvx_kick_init();
	if (err)
		return err;
	err = lvx_vmx_init();
	if (err)
		goto exit_kick;
	lvx_introspect_init();
	err = lvx_dev_init();
	if (err)
		goto exit_introspect;
	return 0;

exit_introspect:
	lvx_introspect_exit();
	lvx_vmx_exit();
exit_kick:
	lvx_kick_exit();
	return err;
}

static void __exit lvx_exit(void)
{
	lvx_dev_exit();
	lvx_introspect_exit();
	lvx_vmx_exit();
	lvx_kick_exit();
}

module_init(lvx_init);
module_exit(lvx_exit);

MODULE_DESCRIPTION("A small hypervisor for Intel VMX, serving the KVM interface");
MODULE_AUTHOR("The lvx authors");
MODULE_LICENSE("GPL");

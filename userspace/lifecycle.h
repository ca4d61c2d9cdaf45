/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One life of a virtual machine, from being built to being taken apart.
 */
#ifndef LVX_LIFECYCLE_H
#define LVX_LIFECYCLE_H

#include "vm.h"

struct console;

int vm_live(const struct vm_config *config, struct console *console,
	    struct outcome *outcome);

#endif

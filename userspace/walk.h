/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading guest memory by linear address, with the vCPU stopped.
 */
#ifndef LVX_WALK_H
#define LVX_WALK_H

#include <stddef.h>
#include <stdint.h>

struct vcpu;

int walk_read(const struct vcpu *vcpu, uint64_t linear, void *buffer, size_t length);

#endif

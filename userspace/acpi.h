/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ACPI: what the guest is told about its machine. aml.c writes the part that is
 * byte code (the DSDT), acpi.c everything else.
 */
#ifndef LVX_ACPI_H
#define LVX_ACPI_H

#include <stddef.h>
#include <stdint.h>

struct vm;

int acpi_init(struct vm *vm);

size_t aml_write(uint8_t *to, size_t room);

#endif

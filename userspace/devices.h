/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The devices of the board. Each has an init, and where there is something to
 * undo a fini, for machine.c's ordered array; all else about a device is in its
 * own file. Their state is static, since one process runs one VM at a time.
 */
#ifndef LVX_DEVICES_H
#define LVX_DEVICES_H

struct vm;

int serial_init(struct vm *vm);
void serial_fini(struct vm *vm);
int rtc_init(struct vm *vm);
int power_init(struct vm *vm);
int debug_init(struct vm *vm);

#endif

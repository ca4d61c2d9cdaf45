/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel that runs after this one, without the firmware in between.
 */
#ifndef LVX_TEST_NEXT_KERNEL_H
#define LVX_TEST_NEXT_KERNEL_H

#include <stdbool.h>

/*
 * Load a bzImage, an initial RAM disk and a command line: to be started by a
 * panic, or by reboot(). An error ends the program.
 */
void load_next_kernel(const char *image, const char *initrd, const char *words,
		      bool on_panic);

#endif

// SPDX-License-Identifier: GPL-2.0
/* A guest that never reads its input, nor ends. */

void _start(void)
{
	for (;;)
		asm volatile("hlt");
}

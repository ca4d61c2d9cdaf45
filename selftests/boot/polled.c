// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that polls the serial port, as boot loaders do: it reads a line of
 * any length, says how long it was and what it holds, and switches itself off.
 */
#include <linux/serial_reg.h>
#include <stdint.h>

#include "../../userspace/machine.h"
#include "line.h"

#define POWER_OFF (SLEEP_TYPE_S5 << 10 | 1 << 13)

static void out(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in(uint16_t port)
{
	uint8_t value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void print(const char *text)
{
	for (; *text; text++) {
		while (!(in(SERIAL_PORT + UART_LSR) & UART_LSR_THRE))
			;
		out(SERIAL_PORT + UART_TX, (uint8_t)*text);
	}
}

static void print_hex(uint32_t value)
{
	char text[9];
	int i;

	for (i = 7; i >= 0; i--, value >>= 4)
		text[i] = "0123456789abcdef"[value & 15];
	text[8] = 0;
	print(text);
}

void _start(void)
{
	struct line line = LINE_INIT;
	uint8_t byte;

	out(SERIAL_PORT + UART_IER, 0);
	out(SERIAL_PORT + UART_LCR, UART_LCR_WLEN8);
	out(SERIAL_PORT + UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	print("polled: ready\r\n");
	do {
		while (!(in(SERIAL_PORT + UART_LSR) & UART_LSR_DR))
			;
		byte = in(SERIAL_PORT + UART_RX);
		line_add(&line, byte);
	} while (byte != '\n');
	print("line: ");
	print_hex(line.length);
	print(" ");
	print_hex(line.hash);
	print("\r\n");
	asm volatile("outw %w0, %w1" : : "a"(POWER_OFF), "d"(PM1_CONTROL_PORT));
	for (;;)
		asm volatile("hlt");
}

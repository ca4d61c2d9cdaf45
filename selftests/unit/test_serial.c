// SPDX-License-Identifier: GPL-2.0
/*
 * The launcher's serial port, as guests without the receive interrupt see it:
 * who polls gets all that was typed, and who opens the port loses nothing.
 */
#include <fcntl.h>
#include <linux/serial_reg.h>
#include <stdbool.h>
#include <unistd.h>

#include "tap.h"
#include "userspace/console.h"
#include "userspace/devices.h"
#include "userspace/machine.h"
#include "userspace/vm.h"

#define EMPTY (UART_LSR_THRE | UART_LSR_TEMT)

static struct console console;
static struct vm vm;
static bool line;	/* the interrupt line */
static int keyboard;	/* what is written there comes out of stdin */

void vm_set_irq(struct vm *unused, uint32_t gsi, bool level)
{
	EXPECT_EQ(gsi, SERIAL_GSI);
	line = level;
}

static uint8_t in(unsigned int reg)
{
	uint8_t value;

	bus_read(&vm.bus, BUS_PIO, SERIAL_PORT + reg, &value, 1);
	return value;
}

static void out(unsigned int reg, uint8_t value)
{
	bus_write(&vm.bus, BUS_PIO, SERIAL_PORT + reg, &value, 1);
}

/* A new machine, for which @text was typed before it looked. */
static void start(const char *text)
{
	int ends[2], signal;

	if (pipe(ends) < 0 || dup2(ends[0], STDIN_FILENO) < 0)
		abort();
	close(ends[0]);
	keyboard = ends[1];
	console_init(&console);
	console.signals = -1;
	memset(&vm, 0, sizeof(vm));
	vm.console = &console;
	line = false;
	bus_init(&vm.bus);
	serial_init(&vm);
	if (write(keyboard, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	if (*text)
		console_wait(&console, 100, &signal);
}

static void stop(void)
{
	serial_fini(&vm);
	console_fini(&console);
	close(keyboard);
}

/* What a loop gets that looks at LSR @looks times. */
static const char *poll_input(unsigned int looks)
{
	static char text[64];
	unsigned int length = 0;

	while (looks--)
		if ((in(UART_LSR) & UART_LSR_DR) && length < sizeof(text) - 1)
			text[length++] = (char)in(UART_RX);
	text[length] = 0;
	return text;
}

TEST(polling_gets_what_waits)
{
	start("lvx 123");
	EXPECT_EQ(in(UART_LSR), EMPTY | UART_LSR_DR);
	EXPECT_EQ(in(UART_LSR), EMPTY | UART_LSR_DR);
	EXPECT_STREQ(poll_input(7), "lvx 123");
	EXPECT_EQ(in(UART_LSR), EMPTY);
	EXPECT_EQ(in(UART_RX), 0);
	EXPECT(!line);
	stop();
}

/* What a boot loader does first; and an INT 14h, which asks LSR and MSR. */
TEST(polling_after_a_set_up)
{
	unsigned int i;

	start("abc");
	out(UART_IER, 0);
	out(UART_LCR, UART_LCR_DLAB);
	out(UART_DLL, 1);
	out(UART_DLM, 0);
	out(UART_LCR, UART_LCR_WLEN8);
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT);
	out(UART_MCR, UART_MCR_DTR | UART_MCR_RTS);
	for (i = 0; i < 3 && !(in(UART_LSR) & UART_LSR_DR); i++)
		in(UART_MSR);
	EXPECT_EQ(in(UART_RX), 'a');
	/* Printing, or writing what is there already, hides nothing. */
	out(UART_TX, 'x');
	out(UART_MCR, UART_MCR_DTR | UART_MCR_RTS);
	EXPECT_STREQ(poll_input(1), "b");
	out(UART_IER, 0);
	EXPECT_STREQ(poll_input(1), "c");
	stop();
}

/* Each is told at most once that nothing came; so it can't go on for ever. */
TEST(no_driver_empties_the_receiver)
{
	unsigned int i;

	start("ls\n");
	for (i = 0; i < 10; i++) {
		out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
		while (in(UART_LSR) & UART_LSR_DR)
			in(UART_RX);
	}
	EXPECT_STREQ(poll_input(4), "ls\n");
	stop();
}

static void clear_fifos(void)
{
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT);
	out(UART_FCR, 0);
}

static void clear_interrupts(void)
{
	in(UART_LSR);
	in(UART_RX);
	in(UART_IIR);
	in(UART_MSR);
}

/* The order in which Linux's 8250 driver opens the port, with interrupts. */
static void linux_opens(void)
{
	clear_fifos();
	clear_interrupts();
	in(UART_LSR);
	while (!(in(UART_LSR) & UART_LSR_THRE))
		;
	out(UART_IER, UART_IER_THRI);
	in(UART_IIR);
	out(UART_IER, 0);
	out(UART_LCR, UART_LCR_WLEN8);
	out(UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
	out(UART_IER, UART_IER_THRI);
	in(UART_LSR);
	in(UART_IIR);
	out(UART_IER, 0);
	clear_interrupts();
	out(UART_IER, UART_IER_RLSI | UART_IER_RDI);
}

static void linux_closes(void)
{
	out(UART_IER, 0);
	out(UART_MCR, UART_MCR_DTR | UART_MCR_RTS);
	out(UART_LCR, UART_LCR_WLEN8);
	clear_fifos();
	in(UART_RX);
}

/* And how it prints with the interrupts off, between two keys. */
static void linux_prints(void)
{
	uint8_t ier = in(UART_IER);

	out(UART_IER, 0);
	while (!(in(UART_LSR) & UART_LSR_THRE))
		;
	out(UART_TX, 'x');
	in(UART_LSR);
	out(UART_IER, ier);
}

TEST(opening_and_closing_loses_nothing)
{
	unsigned int i;

	start("uname -a\n");
	for (i = 0; i < 9; i++) {
		linux_opens();
		EXPECT(line);
		EXPECT_EQ(in(UART_IIR) & UART_IIR_ID, UART_IIR_RDI);
		linux_prints();
		EXPECT_EQ(in(UART_LSR), EMPTY | UART_LSR_DR);
		EXPECT_EQ(in(UART_RX), "uname -a\n"[i]);
		linux_closes();
		EXPECT(!line);
	}
	EXPECT_STREQ(poll_input(3), "");
	stop();
}

/* A break comes before the bytes, to those who poll as well. */
TEST(break_while_polling)
{
	start("h");
	console.client.brk(console.client.client);
	EXPECT_EQ(in(UART_LSR), EMPTY | UART_LSR_DR | UART_LSR_BI);
	EXPECT_EQ(in(UART_RX), 0);
	EXPECT_EQ(in(UART_LSR), EMPTY | UART_LSR_DR);
	EXPECT_EQ(in(UART_RX), 'h');
	EXPECT_EQ(in(UART_LSR), EMPTY);
	stop();
}

/* In loopback, what was typed stays outside. */
TEST(loopback_takes_no_input)
{
	start("k");
	out(UART_MCR, UART_MCR_LOOP);
	EXPECT_EQ(in(UART_LSR), EMPTY);
	out(UART_TX, 0x5a);
	EXPECT_EQ(in(UART_LSR), EMPTY | UART_LSR_DR);
	EXPECT_EQ(in(UART_RX), 0x5a);
	EXPECT_EQ(in(UART_LSR), EMPTY);
	out(UART_MCR, 0);
	EXPECT_STREQ(poll_input(3), "k");
	stop();
}

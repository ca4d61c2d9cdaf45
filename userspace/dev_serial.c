// SPDX-License-Identifier: GPL-2.0
/*
 * The serial port: a National Semiconductor 16550A on the launcher's console.
 *
 * The wire is infinitely fast: what the guest transmits is gone at once, so
 * the transmitter is always empty. Hence "transmitter empty" interrupts as
 * soon as it is enabled, again after each byte, and until the guest has seen it
 * in IIR.
 *
 * What was typed or piped in before the guest reads it must not get lost, but
 * drivers empty and reset the receiver when they open the port. So a FIFO reset
 * drops nothing, and once a guest that does without the receive interrupt has
 * changed how the port works, the next look at LSR shows nothing received, as
 * on a wire on which nothing came yet: that ends a driver's loop that empties
 * the receiver, and a guest that polls looks again. A read of the data that the
 * guest was not told of, which drivers do for luck, takes none.
 */
#include <linux/serial_reg.h>

#include "console.h"
#include "devices.h"
#include "machine.h"
#include "vm.h"

/* A divisor of 12 stands for 9600 bits per second; nothing depends on it. */
#define DIVISOR_9600 12

/* MSR as long as nobody pulls the cable: carrier, ready, clear to send. */
#define MODEM_LINES (UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS)

/* Guarded by the bus lock. */
struct serial {
	struct vm *vm;
	bool level;		/* of the interrupt line */
	bool tx_pending;	/* "transmitter empty" not yet seen in IIR */
	bool brk;		/* a break was received and not yet read */
	bool fifo;
	bool changed;		/* set up anew, LSR not looked at since */
	bool told;		/* that there is a byte to read */
	int looped;		/* byte on its way through the loopback, or -1 */
	uint8_t ier, lcr, mcr, scratch, dll, dlm;
};

/* Does a driver that takes interrupts have the port open? */
static bool rx_open(const struct serial *serial)
{
	return serial->ier & UART_IER_RDI;
}

static bool rx_ready(struct serial *serial)
{
	if (serial->mcr & UART_MCR_LOOP)
		return serial->looped >= 0;
	if (serial->changed && !rx_open(serial))
		return false;
	return serial->brk || console_has_input(serial->vm->console);
}

/* The interrupt of the highest priority, as IIR shows it. */
static uint8_t interrupt_id(struct serial *serial)
{
	if ((serial->ier & UART_IER_RLSI) && serial->brk)
		return UART_IIR_RLSI;
	if ((serial->ier & UART_IER_RDI) && rx_ready(serial))
		return UART_IIR_RDI;
	if ((serial->ier & UART_IER_THRI) && serial->tx_pending)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

/* On a PC the pin OUT2 connects the port to its interrupt line. */
static void update_irq(struct serial *serial)
{
	bool level = (serial->mcr & UART_MCR_OUT2) && !(serial->mcr & UART_MCR_LOOP) &&
		     interrupt_id(serial) != UART_IIR_NO_INT;

	if (level == serial->level)
		return;
	serial->level = level;
	vm_set_irq(serial->vm, SERIAL_GSI, level);
}

static uint8_t read_data(struct serial *serial)
{
	bool told = serial->told || rx_open(serial);
	int byte;

	serial->told = false;

	if (serial->mcr & UART_MCR_LOOP) {
		byte = serial->looped;
		serial->looped = -1;
	} else if (!told) {
		byte = -1;
	} else if (serial->brk) {
		serial->brk = false;
		byte = 0;
	} else {
		byte = console_get(serial->vm->console);
	}
	return byte < 0 ? 0 : (uint8_t)byte;
}

static uint8_t read_iir(struct serial *serial)
{
	uint8_t id = interrupt_id(serial);

	if (id == UART_IIR_THRI)
		serial->tx_pending = false;
	return id | (serial->fifo ? UART_FCR_ENABLE_FIFO << 7 | UART_FCR_ENABLE_FIFO << 6 : 0);
}

/* In loopback the modem outputs come back as inputs. */
static uint8_t read_msr(struct serial *serial)
{
	uint8_t msr = 0;

	if (!(serial->mcr & UART_MCR_LOOP))
		return MODEM_LINES;
	if (serial->mcr & UART_MCR_DTR)
		msr |= UART_MSR_DSR;
	if (serial->mcr & UART_MCR_RTS)
		msr |= UART_MSR_CTS;
	if (serial->mcr & UART_MCR_OUT1)
		msr |= UART_MSR_RI;
	if (serial->mcr & UART_MCR_OUT2)
		msr |= UART_MSR_DCD;
	return msr;
}

static uint8_t read_lsr(struct serial *serial)
{
	uint8_t lsr = UART_LSR_THRE | UART_LSR_TEMT;

	serial->told = rx_ready(serial);
	serial->changed = false;
	if (serial->told)
		lsr |= UART_LSR_DR;
	if (serial->told && serial->brk && !(serial->mcr & UART_MCR_LOOP))
		lsr |= UART_LSR_BI;
	return lsr;
}

static uint8_t read_register(struct serial *serial, uint64_t offset)
{
	bool dlab = serial->lcr & UART_LCR_DLAB;

	switch (offset) {
	case UART_RX:
		return dlab ? serial->dll : read_data(serial);
	case UART_IER:
		return dlab ? serial->dlm : serial->ier;
	case UART_IIR:
		return read_iir(serial);
	case UART_LCR:
		return serial->lcr;
	case UART_MCR:
		return serial->mcr;
	case UART_LSR:
		return read_lsr(serial);
	case UART_MSR:
		return read_msr(serial);
	default:
		return serial->scratch;
	}
}

static void write_data(struct serial *serial, uint8_t value)
{
	if (serial->mcr & UART_MCR_LOOP)
		serial->looped = value;
	else
		console_put(serial->vm->console, value);
	serial->tx_pending = true;
}

/* A register that says how the port works. */
static void write_setup(struct serial *serial, uint8_t *reg, uint8_t value)
{
	if (*reg == value)
		return;
	*reg = value;
	serial->changed = true;
	serial->told = false;
}

static void write_ier(struct serial *serial, uint8_t value)
{
	/* Enabling it is enough to get it, since the transmitter is empty. */
	if ((value & UART_IER_THRI) && !(serial->ier & UART_IER_THRI))
		serial->tx_pending = true;
	write_setup(serial, &serial->ier, value & (UART_IER_RDI | UART_IER_THRI |
						   UART_IER_RLSI | UART_IER_MSI));
}

static void write_fcr(struct serial *serial, uint8_t value)
{
	uint8_t fifo = serial->fifo;

	/* Switching the FIFOs on or off resets them as well. */
	write_setup(serial, &fifo, value & UART_FCR_ENABLE_FIFO);
	if (value & UART_FCR_CLEAR_RCVR) {
		serial->changed = true;
		serial->told = false;
	}
	serial->fifo = fifo;
}

static void write_register(struct serial *serial, uint64_t offset, uint8_t value)
{
	bool dlab = serial->lcr & UART_LCR_DLAB;

	switch (offset) {
	case UART_TX:
		if (dlab)
			serial->dll = value;
		else
			write_data(serial, value);
		break;
	case UART_IER:
		if (dlab)
			serial->dlm = value;
		else
			write_ier(serial, value);
		break;
	case UART_FCR:
		write_fcr(serial, value);
		break;
	case UART_LCR:
		write_setup(serial, &serial->lcr, value);
		break;
	case UART_MCR:
		write_setup(serial, &serial->mcr,
			    value & (UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT1 |
				     UART_MCR_OUT2 | UART_MCR_LOOP));
		break;
	case UART_SCR:
		serial->scratch = value;
		break;
	}
}

/* A wider access goes to as many registers, as it does on the ISA bus. */
static uint64_t serial_read(void *device, uint64_t offset, unsigned int length)
{
	struct serial *serial = device;
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < length; i++)
		value |= (uint64_t)read_register(serial, offset + i) << (8 * i);
	update_irq(serial);
	return value;
}

static void serial_write(void *device, uint64_t offset, unsigned int length, uint64_t value)
{
	struct serial *serial = device;
	unsigned int i;

	for (i = 0; i < length; i++)
		write_register(serial, offset + i, (uint8_t)(value >> (8 * i)));
	update_irq(serial);
}

static const struct bus_ops serial_ops = { serial_read, serial_write };

/* The main thread has put input into the console. */
static void input_arrived(void *client)
{
	struct serial *serial = client;

	pthread_mutex_lock(&serial->vm->bus.lock);
	update_irq(serial);
	pthread_mutex_unlock(&serial->vm->bus.lock);
}

/* The user sends a break, which Linux takes as SysRq. */
static void break_arrived(void *client)
{
	struct serial *serial = client;

	pthread_mutex_lock(&serial->vm->bus.lock);
	serial->brk = true;
	update_irq(serial);
	pthread_mutex_unlock(&serial->vm->bus.lock);
}

static struct serial the_serial;

int serial_init(struct vm *vm)
{
	struct bus_range range = { BUS_PIO, SERIAL_PORT, 8, &serial_ops, &the_serial };
	struct console_client client = { input_arrived, break_arrived, &the_serial };

	the_serial = (struct serial){ .vm = vm, .looped = -1, .dll = DIVISOR_9600 };
	if (bus_add(&vm->bus, &range) < 0)
		return -1;
	console_attach(vm->console, &client);
	return 0;
}

void serial_fini(struct vm *vm)
{
	console_detach(vm->console);
}

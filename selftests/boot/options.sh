#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A stock kernel with the options that people copy from machine to machine: it
# boots, its user space's output is seen, and it ends as it was told to, by each
# way there is to restart. Runs in the emulated host.
#
# usage: options.sh NODE [ROWS]	(only the first so many of them)

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

NODE=$1
ROWS=${2:-100}

# What can't work comes last: without a serial port nothing is seen.
rows()
{
	head -n "$ROWS" <<-'EOT'
		noapic reboot=k lvx.reboot
		nolapic reboot=t lvx.reboot
		nosmp clocksource=tsc reboot=p lvx.reboot
		no-kvmclock clocksource=tsc lvx.poweroff
		noapic acpi=off pci=off reboot=k nomodules 8250.nr_uarts=1 lvx.reboot
		noapic nolapic nosmp reboot=a lvx.poweroff
		acpi=off nolapic reboot=t lvx.reboot
		acpi=off nosmp pci=off reboot=p lvx.reboot
		acpi=noirq reboot=b lvx.reboot
		clocksource=jiffies lvx.poweroff
		noapic no-kvmclock tsc=unstable clocksource=acpi_pm lvx.reboot
		8250.nr_uarts=0 reboot=a lvx.reboot
	EOT
}

echo "# boot/options $NODE"
rows >/tmp/rows
while read -r words; do
	case "$NODE $words" in
	"/dev/kvm noapic no-kvmclock "*)
		skip "$words" "on KVM the guest stops while it measures its TSC"
		continue
		;;
	esac
	guest 6.1 "$words" --no-reboot --device "$NODE"
	case $words in
	*nr_uarts=0*) expect "$words" 0 "lvx: starting" ;;
	*) expect "$words" 0 "init reached" ;;
	esac
done </tmp/rows
# Status 0 is a restart here, too: with several CPUs, some of which are waiting.
guest 6.1 "noapic reboot=t lvx.reboot" --no-reboot --device "$NODE" --cpus 2
expect "two CPUs: noapic reboot=t" 0 "init reached"
host_is_clean
finish

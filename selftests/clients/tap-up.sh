#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# QEMU runs this with the name of the tap that it made.

ip addr add 10.0.0.1/24 dev "$1"
ip link set "$1" up

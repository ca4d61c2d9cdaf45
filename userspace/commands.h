/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The subcommands. Each gets its own name as argv[0] and returns the exit
 * status of lvx.
 */
#ifndef LVX_COMMANDS_H
#define LVX_COMMANDS_H

int cmd_run(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

#endif

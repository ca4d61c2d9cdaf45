/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's test harness, with what these tests need changed in it: a main
 * that takes --device, a time limit that an emulated CPU can meet, and an
 * assertion on the exit reason that shows the vCPU when it fails.
 */
#ifndef LVX_TEST_HARNESS_H
#define LVX_TEST_HARNESS_H

#include <kselftest_harness.h>

#include "lib.h"
#include "guest.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	20

#define ASSERT_EXIT(reason, v)						\
	ASSERT_EQ((uint32_t)(reason), vcpu_exit(v)) vcpu_dump(v)

#define LVX_TEST_MAIN							\
	static void __attribute__((constructor))			\
	__constructor_order_last(void)					\
	{								\
		if (!__constructor_order)				\
			__constructor_order = _CONSTRUCTOR_ORDER_BACKWARD; \
	}								\
	int main(int argc, char **argv)					\
	{								\
		parse_args(argc, argv);					\
		return test_harness_run(argc, argv);			\
	}

#endif

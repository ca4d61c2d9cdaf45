// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctl fuzz: calls of all kinds in any order, by one thread and by several
 * on the same descriptors. What it looks for shows in the kernel's log, in a VM
 * that is left over, in a process that does not end; and, since equal seeds
 * make equal calls, in an errno that is not KVM's.
 *
 * A round is a process of its own, so that all ends with it, at any moment, and
 * that no more is in use than a few VMs. A line names the seed and the round of
 * whatever goes wrong: with --seed and --round the same calls are made again.
 */
#include <dirent.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "fuzz.h"

#define CALLS_PER_ROUND	240
#define MAX_THREADS	16
/* A process that takes longer hangs: a round takes a second or two. */
#define ROUND_SECONDS	60
#define TICK_NS		5000000
/* How often a long run says how far it is. */
#define CALLS_PER_LINE	10000

static struct {
	const char *against;	/* another node, for comparison */
	unsigned long seed, calls, round, only;
	unsigned int threads;
	bool one_round, log, always;
} options = {
	.against = "/dev/kvm", .seed = 1, .calls = 2000, .threads = 3,
};

/* Of all processes. */
static struct shared {
	unsigned long calls;
	struct outcome outcome[CALLS_PER_ROUND];
} *shared;

/* ---------------------------------------------------------------- a round */

struct thread {
	struct world *world;
	struct rng rng;
	unsigned long calls;
	bool record;
	uint8_t *arg;
	pthread_barrier_t *start;
};

static void tick(int sig)
{
	(void)sig;
}

/* Nothing that this thread waits in takes longer than a tick. */
static void start_ticks(void)
{
	struct sigevent ev = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGALRM,
		._sigev_un._tid = syscall(SYS_gettid),
	};
	struct itimerspec often = {
		.it_value.tv_nsec = TICK_NS, .it_interval.tv_nsec = TICK_NS,
	};
	struct sigaction sa = { .sa_handler = tick };
	timer_t timer;

	sigaction(SIGALRM, &sa, NULL);
	if (timer_create(CLOCK_MONOTONIC, &ev, &timer) ||
	    timer_settime(timer, 0, &often, NULL))
		die("timer: %s", strerror(errno));
}

static void *work(void *arg)
{
	struct thread *t = arg;
	struct outcome outcome;

	/* What depends on time can't be compared, and nothing blocks. */
	if (!t->record)
		start_ticks();
	/* No mapping but the calls' from here on: the memory has holes. */
	pthread_barrier_wait(t->start);
	for (unsigned long i = 0; i < t->calls; i++) {
		if (options.log)
			dprintf(1, "# %lu: ", i);
		outcome = call(t->world, &t->rng, t->arg);
		if (options.log)
			dprintf(1, "%s: %s\n", outcome.name,
				outcome.ret ? strerror(-outcome.ret) : "0");
		if (t->record)
			shared->outcome[i] = outcome;
		__atomic_add_fetch(&shared->calls, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* The life of a round's process. */
static void live(const char *node, unsigned long round, unsigned int threads,
		 bool record)
{
	struct rng rng = { options.seed * 0x10001 + round };
	struct thread thread[MAX_THREADS];
	pthread_t id[MAX_THREADS];
	static pthread_barrier_t start;
	static struct world world;
	bool join = one_in(&rng, 2);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	world_make(&world, node);
	world.alone = record;
	world.log = options.log;
	pthread_barrier_init(&start, NULL, threads);
	for (unsigned int i = 0; i < threads; i++)
		thread[i] = (struct thread) {
			.world = &world,
			.rng = { rng_next(&rng) },
			.calls = CALLS_PER_ROUND / threads,
			.record = record,
			.arg = alloc_pages(ARG_SIZE),
			.start = &start,
		};
	for (unsigned int i = 1; i < threads; i++)
		pthread_create(&id[i], NULL, work, &thread[i]);
	work(&thread[0]);
	/* Or the end comes while the others are in the middle of something. */
	for (unsigned int i = 1; i < threads && join; i++)
		pthread_join(id[i], NULL);
	_exit(0);
}

/* What a process that hangs waits for, in the kernel. */
static void show_stacks(pid_t pid)
{
	char path[64], line[256];
	struct dirent *entry;
	DIR *dir;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/task/%.12s/stack", pid,
			 entry->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		printf("# thread %s:\n", entry->d_name);
		while (fgets(line, sizeof(line), f))
			printf("#   %s", line);
		fclose(f);
	}
	if (dir)
		closedir(dir);
}

/* False, and a line that says how to repeat it, if it does not end well. */
static bool round_ends(const char *node, unsigned long round,
		       unsigned int threads, bool record)
{
	uint64_t end = now_ns() + ROUND_SECONDS * 1000000000ULL;
	int status = 0;
	pid_t pid, done = 0;

	fflush(stdout);
	pid = fork();
	if (!pid)
		live(node, round, threads, record);
	while (pid > 0 && !(done = waitpid(pid, &status, WNOHANG)) &&
	       now_ns() < end)
		sleep_ms(2);
	if (done == pid && !status)
		return true;
	printf("# --seed %lu --round %lu --threads %u on %s: %s, status %#x\n",
	       options.seed, round, threads, node,
	       done == pid ? "died" : "hangs", status);
	if (pid > 0 && done != pid) {
		show_stacks(pid);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	return false;
}

/* ------------------------------------------------------------- comparison */

/* Errnos by which the two differ, and why that is no fault. 1: any. */
static const struct {
	const char *name;
	int lvx, kvm;
	const char *why;
} explained[] = {
	{ "KVM_GET_SUPPORTED_CPUID", 0, -E2BIG, "KVM's list is longer" },
	{ "KVM_GET_MSR_INDEX_LIST", 0, -E2BIG, "KVM's list is longer" },
	{ "KVM_GET_MSR_FEATURE_INDEX_LIST", 0, -E2BIG, "KVM's list is longer" },
	{ "KVM_SIGNAL_MSI", -EPERM, 0,
	  "KVM answers 0 where it found nobody by its map, else as lvx" },
	{ "KVM_CREATE_VCPU", -EINVAL, 1,
	  "KVM before 6.11 drops the number's upper half" },
	{ "KVM_CREATE_VCPU", 0, -EEXIST,
	  "KVM's own memory slot, for the APIC-access page, meets the caller's" },
	{ "sregs, EFER's reserved bits", -EINVAL, 0,
	  "KVM takes bits with which VM entry fails" },
	/* What the call asks for, whatever it is: the last row. */
	{ "", 1, 1, "KVM lists a capability that lvx does not, or other bits" },
};

/* How often each was needed, and where first. */
static struct {
	unsigned long times, round;
	int call;
} needed[ARRAY_SIZE(explained)];

static bool fits(int pattern, int ret)
{
	return pattern == 1 || pattern == ret;
}

static int capability(const char *node, unsigned int cap)
{
	int fd = open(node, O_RDWR | O_CLOEXEC);
	int value = do_ioctl(fd, KVM_CHECK_EXTENSION, (void *)(long)cap);

	close(fd);
	return value;
}

static bool lacks_cap(const struct outcome *lvx)
{
	return lvx->ret < 0 && lvx->cap &&
	       capability(device, lvx->cap) != capability(options.against, lvx->cap);
}

/* Why @call of @round may return these, or NULL. */
static const char *explain(unsigned long round, int call,
			   const struct outcome *lvx, const struct outcome *kvm)
{
	for (size_t i = 0; i < ARRAY_SIZE(explained); i++) {
		if (*explained[i].name ? strcmp(explained[i].name, lvx->name) :
					 !lacks_cap(lvx))
			continue;
		if (!fits(explained[i].lvx, lvx->ret) ||
		    !fits(explained[i].kvm, kvm->ret))
			continue;
		if (!needed[i].times++) {
			needed[i].round = round;
			needed[i].call = call;
		}
		return explained[i].why;
	}
	return NULL;
}

/* So that one sees which rows are of use, and where to look at them again. */
static void show_explained(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(explained); i++)
		if (needed[i].times)
			printf("# %lu times, first in round %lu, call %d: %s: %s\n",
			       needed[i].times, needed[i].round, needed[i].call,
			       *explained[i].name ? explained[i].name : "any",
			       explained[i].why);
}

/*
 * One round on both. When one did what the other refused, their ways part: what
 * follows is not comparable.
 */
static bool equal(unsigned long round, unsigned long *compared)
{
	struct outcome lvx[CALLS_PER_ROUND];
	const struct outcome *kvm = shared->outcome;
	const char *why;
	bool same = true;

	if (!round_ends(device, round, 1, true))
		return false;
	memcpy(lvx, shared->outcome, sizeof(lvx));
	if (!round_ends(options.against, round, 1, true))
		return false;
	for (int i = 0; i < CALLS_PER_ROUND; i++) {
		++*compared;
		if (lvx[i].ret == kvm[i].ret || lvx[i].timed)
			continue;
		why = explain(round, i, &lvx[i], &kvm[i]);
		if (!why || options.log)
			printf("# --seed %lu --round %lu, call %d: %s: %d, %s has %d%s%s\n",
			       options.seed, round, i, lvx[i].name, lvx[i].ret,
			       options.against, kvm[i].ret, why ? ": " : "",
			       why ?: "");
		same = same && why;
		if (!lvx[i].ret || !kvm[i].ret)
			break;
	}
	return same;
}

/* -------------------------------------------------------------- the tests */

/* How many hold the module; -1: not one's to know. */
static int users(void)
{
	FILE *f = on_lvx() ? fopen("/sys/module/lvx/refcnt", "r") : NULL;
	int n = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%d", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

static bool rounds(unsigned int threads, unsigned long calls)
{
	unsigned long round = options.round, said = 0;
	uint64_t start = now_ns();
	int before = users();
	bool good = true;

	shared->calls = 0;
	do {
		good = round_ends(device, round++, threads, false) && good;
		if (shared->calls >= said + CALLS_PER_LINE) {
			said = shared->calls;
			printf("# %lu calls, %ld s\n", said,
			       (long)((now_ns() - start) / 1000000000));
		}
	} while (!options.one_round && shared->calls < calls);
	printf("# seed %lu, %u threads: %lu calls in %lu rounds\n", options.seed,
	       threads, shared->calls, round - options.round);
	if (users() != before) {
		printf("# %d users of the module, before %d\n", users(), before);
		good = false;
	}
	return good;
}

static bool compare(unsigned long calls)
{
	unsigned long round = options.round, compared = 0;
	bool good = true;

	shared->calls = 0;
	do {
		good = equal(round++, &compared) && good;
	} while (!options.one_round && shared->calls < 2 * calls);
	printf("# seed %lu: %lu of %lu calls compared\n", options.seed, compared,
	       shared->calls / 2);
	show_explained();
	return good;
}

/* Only lvx is compared, and only where a VM of the other can be made. */
static bool can_compare(void)
{
	int fd = on_lvx() ? open(options.against, O_RDWR) : -1, vm = -1;

	if (fd >= 0) {
		vm = try_ioctl(fd, KVM_CREATE_VM, NULL);
		close(fd);
	}
	if (vm >= 0)
		close(vm);
	return vm >= 0;
}

static void usage(const char *name)
{
	fprintf(stderr,
		"usage: %s [options]\n"
		"  --device NODE   what is tested          (now %s)\n"
		"  --against NODE  what it is compared with (now %s)\n"
		"  --seed N        of all choices           (now %lu)\n"
		"  --calls N       of each test             (now %lu)\n"
		"  --threads N     up to %u                 (now %u)\n"
		"  --round N       this round alone\n"
		"  --only N        this of the three tests alone\n"
		"  --log           a line for each call\n"
		"  --always        also what is not lvx\n",
		name, device, options.against, options.seed, options.calls,
		MAX_THREADS, options.threads);
	exit(2);
}

static unsigned long number(const char *name, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (*end || end == text)
		usage(name);
	return n;
}

static void parse(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--log")) {
			options.log = true;
			continue;
		}
		if (!strcmp(argv[i], "--always")) {
			options.always = true;
			continue;
		}
		if (i + 1 == argc)
			usage(argv[0]);
		if (!strcmp(argv[i], "--device")) {
			device = argv[++i];
		} else if (!strcmp(argv[i], "--against")) {
			options.against = argv[++i];
		} else if (!strcmp(argv[i], "--seed")) {
			options.seed = number(argv[0], argv[++i]);
		} else if (!strcmp(argv[i], "--calls")) {
			options.calls = number(argv[0], argv[++i]);
		} else if (!strcmp(argv[i], "--threads")) {
			options.threads = number(argv[0], argv[++i]);
		} else if (!strcmp(argv[i], "--round")) {
			options.round = number(argv[0], argv[++i]);
			options.one_round = true;
		} else if (!strcmp(argv[i], "--only")) {
			options.only = number(argv[0], argv[++i]);
		} else {
			usage(argv[0]);
		}
	}
	if (!options.threads || options.threads > MAX_THREADS)
		usage(argv[0]);
}

static bool result(int n, bool good, const char *name)
{
	printf("%sok %d %s\n", good ? "" : "not ", n, name);
	fflush(stdout);
	return good;
}

static void skip(int n, const char *why)
{
	printf("ok %d # SKIP %s\n", n, why);
}

/* Is test @n to be made? If not, its line says why. */
static bool wanted(int n, const char *unless)
{
	if (options.only && options.only != (unsigned long)n)
		unless = "--only is another";
	if (unless)
		skip(n, unless);
	return !unless;
}

int main(int argc, char **argv)
{
	const char *unless = NULL;
	bool good = true;

	parse(argc, argv);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	printf("TAP version 13\n1..3\n");
	/* KVM warns about itself, which is not for us to fail by. */
	if (!on_lvx() && !options.always)
		unless = "KVM is tested by others";
	if (wanted(1, unless))
		good &= result(1, rounds(1, options.calls), "fuzz by one thread");
	if (wanted(2, unless))
		good &= result(2, rounds(options.threads, options.calls),
			       "fuzz by several threads");
	/* Later kernels' KVM differs in other ways. */
	unless = NULL;
	if (!kernel_before(6, 2))
		unless = "the table of differences is Linux 6.1's";
	else if (!can_compare())
		unless = "no VM of KVM can be made beside it";
	if (wanted(3, unless))
		good &= result(3, compare(options.calls), "errnos as KVM's");
	return !good;
}

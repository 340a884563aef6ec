// SPDX-License-Identifier: GPL-2.0
/*
 * The guest is what tests may rely on: mounts, limits, tools, namespaces. When another
 * test fails strangely, look here first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "ktap.h"
#include "netns.h"

static char why[256];

#define fail(...) (snprintf(why, sizeof(why), __VA_ARGS__), false)

static bool is_fs(const char *dir, unsigned long magic)
{
	struct statfs s;

	if (statfs(dir, &s))
		return fail("%s: %s", dir, strerror(errno));
	if ((unsigned long)s.f_type != magic)
		return fail("%s: file system of type %lx", dir, (unsigned long)s.f_type);
	return true;
}

static bool filesystems(void)
{
	return is_fs("/proc", 0x9fa0) && is_fs("/sys", 0x62656572) &&
	       is_fs("/sys/fs/bpf", 0xcafe4a11) && is_fs("/sys/fs/cgroup", 0x63677270) &&
	       is_fs("/sys/kernel/tracing", 0x74726163);
}

static bool root_is_read_only(void)
{
	if (!mkdir("/skb-meta-test", 0700)) {
		rmdir("/skb-meta-test");
		return fail("the host's root can be written");
	}
	return errno == EROFS || fail("mkdir in /: %s", strerror(errno));
}

static bool scratch(void)
{
	static const char * const dir[] = { "/tmp", "/run", "/var/tmp", "/dev/shm" };

	for (size_t i = 0; i < sizeof(dir) / sizeof(dir[0]); i++)
		if (!is_fs(dir[i], 0x01021994) || access(dir[i], W_OK))
			return *why ? false : fail("%s: %s", dir[i], strerror(errno));
	return true;
}

/* A virtio port can be opened only once: the command must not have it as its stdout. */
static bool output_can_be_reopened(void)
{
	int fd = open("/dev/stderr", O_WRONLY);

	if (fd < 0)
		return fail("/dev/stderr: %s", strerror(errno));
	close(fd);
	return true;
}

static bool memlock(void)
{
	struct rlimit r;

	getrlimit(RLIMIT_MEMLOCK, &r);
	return r.rlim_cur == RLIM_INFINITY || fail("ulimit -l %lu", (unsigned long)r.rlim_cur);
}

static bool loopback(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), err = ioctl(fd, SIOCGIFFLAGS, &ifr);

	close(fd);
	return (!err && ifr.ifr_flags & IFF_UP) || fail("lo is down");
}

static bool environment(void)
{
	char host[64] = "";

	gethostname(host, sizeof(host));
	if (strcmp(host, "guest"))
		return fail("hostname %s", host);
	if (!getenv("VM_ACCEL") || !getenv("VM_SCALE") || !getenv("PATH"))
		return fail("VM_ACCEL, VM_SCALE or PATH is not set");
	return true;
}

static bool tools(void)
{
	if (netns_try(NULL, "ip -V && tc -V && ethtool --version"))
		return fail("ip, tc or ethtool does not run");
	return true;
}

static bool namespaces(void)
{
	int fd;

	if (netns_add("st-a") || netns_add("st-b"))
		return fail("netns_add");
	if (netns_sh("st-a", "ip link add v0 type veth peer name v1 netns st-b") ||
	    netns_sh("st-b", "ip link set v1 up") || netns_sh(NULL, "ip -n st-a link set v0 up"))
		return fail("a veth pair between two namespaces");
	if (!netns_try(NULL, "ip link show v0"))
		return fail("v0 is outside its namespace too");
	if (netns_sysctl("st-a", "net/ipv4/ip_forward", "1") ||
	    netns_sh("st-a", "[ $(cat /proc/sys/net/ipv4/ip_forward) = 1 ]") ||
	    netns_sh("st-b", "[ $(cat /proc/sys/net/ipv4/ip_forward) = 0 ]"))
		return fail("a sysctl of one namespace");
	fd = netns_enter("st-a");
	if (fd < 0 || !if_nametoindex("v0"))
		return fail("netns_enter");
	netns_leave(fd);
	if (if_nametoindex("v0"))
		return fail("netns_leave");
	netns_cleanup();
	return !netns_try(NULL, "[ -e /run/netns/st-a ]") ? fail("netns_cleanup") : true;
}

int main(void)
{
	static const struct {
		const char *name;
		bool (*test)(void);
	} tests[] = {
		{ "filesystems", filesystems },
		{ "root-is-read-only", root_is_read_only },
		{ "scratch", scratch },
		{ "output-can-be-reopened", output_can_be_reopened },
		{ "memlock", memlock },
		{ "loopback", loopback },
		{ "environment", environment },
		{ "tools", tools },
		{ "namespaces", namespaces },
	};
	const size_t nr = sizeof(tests) / sizeof(tests[0]);
	struct ktap t;

	ktap_start(&t, nr);
	for (size_t i = 0; i < nr; i++) {
		*why = '\0';
		ktap_result(&t, tests[i].test() ? KTAP_PASS : KTAP_FAIL, why, "%s",
			    tests[i].name);
	}
	return ktap_finish(&t);
}

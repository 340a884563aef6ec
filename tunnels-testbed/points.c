// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>	/* before those of the kernel */
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/types.h>

#include "../lib/netns.h"
#include "checkpoints.h"
#include "net.h"
#include "points.h"
#include "traffic.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PINS		"/sys/fs/bpf"

/* enum bpf_attach_type; the C library's headers may be older than these */
#define NETFILTER	45
#define NETKIT_PRIMARY	54

/* The hooks of a network layer, for IPv4 and IPv6. */
static const struct {
	enum tb_point point;
	enum node node;
	int hook;
} netfilter[] = {
	{ TB_R1_PRE_ROUTING, R1, NF_INET_PRE_ROUTING },
	{ TB_R1_FORWARD, R1, NF_INET_FORWARD },
	{ TB_R1_LOCAL_OUT, R1, NF_INET_LOCAL_OUT },
	{ TB_R1_POST_ROUTING, R1, NF_INET_POST_ROUTING },
	{ TB_R3_PRE_ROUTING, R3, NF_INET_PRE_ROUTING },
	{ TB_R3_LOCAL_IN, R3, NF_INET_LOCAL_IN },
	{ TB_R3_FORWARD, R3, NF_INET_FORWARD },
	{ TB_R3_POST_ROUTING, R3, NF_INET_POST_ROUTING },
	{ TB_SINK_LOCAL_IN, SINK, NF_INET_LOCAL_IN },
};

static int held[64], nr_held;	/* links and sockets: closed, they are gone */
static int stream_map = -1, stream_prog;
static bool routed, filtered;

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

void points_quiet(bool on)
{
	static libbpf_print_fn_t print;

	if (on)
		print = libbpf_set_print(quiet);
	else if (print)
		libbpf_set_print(print);
}

bool points_try(const void *elf, size_t size, const char * const *names, int nr, bool *refused)
{
	points_quiet(true);
	for (int i = 0; i < nr; i++) {
		struct bpf_object *obj = bpf_object__open_mem(elf, size, NULL);
		struct bpf_program *prog;

		if (!obj) {
			points_quiet(false);
			return false;
		}
		bpf_object__for_each_program(prog, obj)
			bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), names[i]));
		refused[i] = bpf_object__load(obj);
		bpf_object__close(obj);
	}
	points_quiet(false);
	return true;
}

static int hold(int fd)
{
	if (fd < 0 || nr_held == ARRAY_SIZE(held))
		return -1;
	held[nr_held++] = fd;
	return 0;
}

/* To a device, if it is one's; else to the namespace. */
static int attach(enum node node, const char *dev, int prog, enum bpf_attach_type type,
		  const struct bpf_link_create_opts *opts)
{
	int old = net_enter(node), fd;

	if (old < 0)
		return -1;
	fd = bpf_link_create(prog, dev ? if_nametoindex(dev) : 0, type, opts);
	netns_leave(old);
	return hold(fd);
}

static int attach_netfilter(enum node node, int hook, int prog)
{
	LIBBPF_OPTS(bpf_link_create_opts, v4, .netfilter = { .pf = NFPROTO_IPV4, .hooknum = hook,
							     .priority = 150 });
	LIBBPF_OPTS(bpf_link_create_opts, v6, .netfilter = { .pf = NFPROTO_IPV6, .hooknum = hook,
							     .priority = 150 });

	return attach(node, NULL, prog, NETFILTER, &v4) ?:
	       attach(node, NULL, prog, NETFILTER, &v6);
}

/* They stay open and are not read from: their filters take nothing. */
static int attach_socket(int family, int protocol, int prog)
{
	int old = net_enter(SINK), fd;

	if (old < 0)
		return -1;
	fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, protocol);
	netns_leave(old);
	return hold(fd) ?: setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog));
}

static int attach_streams(const struct bpf_object *obj, int prog)
{
	int map = bpf_object__find_map_fd_by_name(obj, "streams");

	if (bpf_prog_attach(prog, map, BPF_SK_SKB_STREAM_VERDICT, 0))
		return -1;
	stream_map = map;
	stream_prog = prog;
	traffic_streams(map);
	return 0;
}

/* The last route has them, behind all tunnels; `ip` takes programs from a file system. */
static int attach_routes(const struct bpf_object *obj, unsigned int mask)
{
	static const struct {
		enum tb_point point;
		const char *hook;
	} lwt[] = { { TB_R3_LWT_IN, "in" }, { TB_R3_LWT_OUT, "out" }, { TB_R3_LWT_XMIT, "xmit" } };
	char encap[256] = "", path[64];
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lwt) && !err; i++) {
		if (!(mask & 1u << lwt[i].point))
			continue;
		snprintf(path, sizeof(path), PINS "/tb-%d-%s", getpid(), lwt[i].hook);
		err = bpf_program__pin(bpf_object__find_program_by_name(obj,
						points[lwt[i].point].prog), path);
		snprintf(encap + strlen(encap), sizeof(encap) - strlen(encap), " %s pinned %s",
			 lwt[i].hook, path);
	}
	if (*encap && !err) {
		routed = true;
		err = net_last_route(encap);
	}
	for (size_t i = 0; i < ARRAY_SIZE(lwt); i++) {
		snprintf(path, sizeof(path), PINS "/tb-%d-%s", getpid(), lwt[i].hook);
		unlink(path);
	}
	return err;
}

static int attach_one(const struct bpf_object *obj, enum tb_point p, int prog)
{
	LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);

	for (size_t i = 0; i < ARRAY_SIZE(netfilter); i++)
		if (netfilter[i].point == p)
			return attach_netfilter(netfilter[i].node, netfilter[i].hook, prog);
	switch (p) {
	case TB_R1_ERROR:
		return attach(R1, "to-src", prog, TCX_EGRESS, NULL);
	case TB_R3_NETKIT:
		return attach(R3, "to-sink", prog, NETKIT_PRIMARY, NULL);
	case TB_SINK_XDP:
		return attach(SINK, "to-r3", prog, BPF_XDP, &generic);
	case TB_SINK_TAP:
		return attach_socket(AF_PACKET, htons(ETH_P_ALL), prog);
	case TB_SINK_RAW:
		return attach_socket(AF_INET, IPPROTO_UDP, prog) ?:
		       attach_socket(AF_INET6, IPPROTO_UDP, prog);
	case TB_SINK_LSM:
	case TB_DROP:
		return hold(bpf_raw_tracepoint_open(NULL, prog));
	case TB_SINK_CGROUP:
		return hold(bpf_link_create(prog, traffic_cgroup(SINK), BPF_CGROUP_INET_INGRESS,
					    NULL));
	case TB_SINK_FILTER:
		filtered = true;
		return traffic_filter(prog);
	case TB_SINK_SK_SKB:
		return attach_streams(obj, prog);
	default:
		return 0;	/* of a route */
	}
}

int points_attach(const struct bpf_object *obj, unsigned int mask)
{
	for (int p = 0; p < TB_POINTS; p++) {
		struct bpf_program *prog = bpf_object__find_program_by_name(obj, points[p].prog);

		if (!(mask & 1u << p) || !attach_one(obj, p, bpf_program__fd(prog)))
			continue;
		fprintf(stderr, "# %s: %s\n", points[p].name, strerror(errno));
		return -1;
	}
	if (!attach_routes(obj, mask))
		return 0;
	fprintf(stderr, "# r3.lwt-*: no such route\n");
	return -1;
}

void points_detach(void)
{
	if (routed)
		net_last_route(NULL);
	if (filtered)
		traffic_filter(-1);
	if (stream_map >= 0) {
		traffic_streams(-1);
		bpf_prog_detach2(stream_prog, stream_map, BPF_SK_SKB_STREAM_VERDICT);
	}
	routed = filtered = false;
	stream_map = -1;
	while (nr_held)
		close(held[--nr_held]);
}

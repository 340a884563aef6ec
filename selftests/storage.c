// SPDX-License-Identifier: GPL-2.0
/*
 * BPF_MAP_TYPE_SKB_STORAGE as programs and user space call it: values, every error, what the
 * verifier refuses, and maps that go while packets have values in them. (What becomes of a
 * value on the way is for the testbed and the semantics test.)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/types.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../bpf-progs/ext.h"
#include "ktap.h"
#include "netns.h"
#include "storage.skel.h"

#define CREATE		BPF_LOCAL_STORAGE_GET_F_CREATE
#define PACKETS		100u
#define TCX_EGRESS	47

#define GET(f, v, r)		{ .op = EXT_GET, .flags = f, .val = v, .ret = r }
#define INIT(s, in, f, v, r)	\
	{ .op = EXT_GET_INIT, .size = s, .init = in, .flags = f, .val = v, .ret = r }
#define WRITE(v, r)		{ .op = EXT_WRITE, .val = v, .ret = r }
#define DEL(r)			{ .op = EXT_DEL, .ret = r }
#define CLONE()			{ .op = EXT_CLONE }

static const struct ext_step values[] = {
	GET(0, 0, -ENOENT),
	GET(CREATE, 0, 0),
	WRITE(77, 0),
	GET(0, 77, 0),
	GET(CREATE, 77, 0),
	DEL(0),
	GET(0, 0, -ENOENT),
	WRITE(5, -ENOENT),
	INIT(8, 99, CREATE, 99, 0),
	GET(0, 99, 0),
	INIT(8, 1, CREATE, 99, 0),	/* there is one */
	DEL(0),
};

static const struct ext_step errors[] = {
	DEL(-ENOENT),
	GET(2, 0, -ENOENT),
	GET(CREATE | 2, 0, -ENOENT),
	INIT(4, 1, CREATE, 0, -ENOENT),
	INIT(12, 1, CREATE, 0, -ENOENT),
	INIT(0, 1, CREATE, 0, -ENOENT),
	GET(0, 0, -ENOENT),
	GET(CREATE, 0, 0),
	INIT(4, 1, 0, 0, -ENOENT),
	DEL(0),
	DEL(-ENOENT),
};

static const struct ext_step shared[] = {
	GET(CREATE, 0, 0),
	WRITE(3, 0),
	CLONE(),
	GET(0, 0, -ENOENT),
	GET(CREATE, 0, -ENOENT),
	DEL(-EBUSY),
};

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

/* The one program, loaded; NULL: refused. */
static struct storage_bpf *load(const char *name)
{
	struct storage_bpf *skel = storage_bpf__open();
	struct bpf_program *p = skel ? bpf_object__find_program_by_name(skel->obj, name) : NULL;

	if (p && !bpf_program__set_autoload(p, true) && !storage_bpf__load(skel))
		return skel;
	storage_bpf__destroy(skel);
	return NULL;
}

/*
 * The list's calls on one packet. A packet that is not shared at the end has what is in the
 * other map as it was, whatever is done in this one.
 */
static bool steps(struct ktap *t, const struct ext_step *want, int nr, bool is_shared)
{
	__u8 packet[100] = { [12] = 0x08 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));
	struct storage_bpf *skel = load("at_tc");
	bool ok = true;

	if (!skel) {
		ktap_diag(t, "at_tc does not load");
		return false;
	}
	for (int i = 0; i < nr; i++) {
		skel->bss->steps[i] = want[i];
		skel->bss->steps[i].ret = 1;	/* none returns that */
	}
	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.at_tc), &opts)) {
		ktap_diag(t, "the test run failed: %s", strerror(errno));
		ok = false;
	}
	for (int i = 0; i < nr; i++) {
		const struct ext_step *is = &skel->bss->steps[i];

		if (is->ret == want[i].ret &&
		    (want[i].op > EXT_GET_INIT || is->val == want[i].val))
			continue;
		ktap_diag(t, "step %d: %d, value %llu; expected %d, %llu", i, is->ret,
			  (unsigned long long)is->val, want[i].ret, (unsigned long long)want[i].val);
		ok = false;
	}
	if (skel->bss->other != (is_shared ? 0 : 4711)) {
		ktap_diag(t, "the other map's value is %llu", (unsigned long long)skel->bss->other);
		ok = false;
	}
	storage_bpf__destroy(skel);
	return ok;
}

#define STEPS(t, list, sh)	steps(t, list, sizeof(list) / sizeof((list)[0]), sh)

static bool refused(const char *name)
{
	struct storage_bpf *skel;

	libbpf_set_print(quiet);
	skel = load(name);
	libbpf_set_print(NULL);
	storage_bpf__destroy(skel);
	return !skel;
}

/* Nothing in user space names a packet. */
static bool user_space(struct ktap *t)
{
	struct storage_bpf *skel = load("at_tc");
	__u64 value = 1;
	int fd, key = 0, next, err[4];
	bool ok = true;

	if (!skel)
		return false;
	fd = bpf_map__fd(skel->maps.one);
	err[0] = bpf_map_lookup_elem(fd, &key, &value);
	err[1] = bpf_map_update_elem(fd, &key, &value, BPF_ANY);
	err[2] = bpf_map_delete_elem(fd, &key);
	err[3] = bpf_map_get_next_key(fd, NULL, &next);
	for (int i = 0; i < 4; i++)
		if (err[i] != -EOPNOTSUPP) {
			ktap_diag(t, "call %d: %d", i, err[i]);
			ok = false;
		}
	storage_bpf__destroy(skel);
	return ok;
}

/* What a map has to be like. */
static bool creation(struct ktap *t)
{
	struct storage_bpf *skel = storage_bpf__open();
	struct btf *btf = btf__new_empty();
	int integer = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	LIBBPF_OPTS(bpf_map_create_opts, opts, .btf_key_type_id = integer,
		    .btf_value_type_id = integer, .map_flags = BPF_F_NO_PREALLOC);
	const struct {
		const char *what;
		int key, value, entries, flags, err;
		bool no_btf;
	} maps[] = {
		{ "as it should be", 4, 4, 0, BPF_F_NO_PREALLOC, 0 },
		{ "preallocated", 4, 4, 0, 0, -EINVAL },
		{ "BPF_F_CLONE", 4, 4, 0, BPF_F_NO_PREALLOC | BPF_F_CLONE, -EINVAL },
		{ "entries", 4, 4, 1, BPF_F_NO_PREALLOC, -EINVAL },
		{ "key of 8 bytes", 8, 4, 0, BPF_F_NO_PREALLOC, -EINVAL },
		{ "no value", 4, 0, 0, BPF_F_NO_PREALLOC, -EINVAL },
		{ "without types", 4, 4, 0, BPF_F_NO_PREALLOC, -EINVAL, true },
	};
	bool ok = skel && !btf__load_into_kernel(btf);

	if (!ok)
		ktap_diag(t, "the types do not load");
	for (size_t i = 0; ok && i < sizeof(maps) / sizeof(maps[0]); i++) {
		int fd;

		opts.map_flags = maps[i].flags;
		opts.btf_fd = maps[i].no_btf ? 0 : btf__fd(btf);
		opts.btf_key_type_id = opts.btf_value_type_id = maps[i].no_btf ? 0 : integer;
		fd = bpf_map_create(bpf_map__type(skel->maps.one), "made", maps[i].key,
				    maps[i].value, maps[i].entries, &opts);
		if (fd >= 0)
			close(fd);
		if ((fd < 0 ? fd : 0) != maps[i].err) {
			ktap_diag(t, "%s: %d", maps[i].what, fd);
			ok = false;
		}
	}
	btf__free(btf);
	storage_bpf__destroy(skel);
	return ok;
}

/* ---- packets ---- */

static int tx = -1, rx = -1;

static int udp(const char *ns, const char *addr, bool connected)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(4711) };
	struct timeval patience = { .tv_sec = 2 * vm_scale() };
	int old = netns_enter(ns), fd;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	netns_leave(old);
	inet_pton(AF_INET, addr, &in.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connected ? connect(fd, (struct sockaddr *)&in, sizeof(in)) :
			bind(fd, (struct sockaddr *)&in, sizeof(in)))
		return -1;
	return fd;
}

/* From a to b, each packet waiting for a while behind tc egress. */
static bool network_up(void)
{
	if (netns_add("sto-a") || netns_add("sto-b") ||
	    netns_sh("sto-a", "ip link add to-b type veth peer name to-a netns sto-b && "
		     "ip addr add 192.0.2.1/24 dev to-b && ip link set to-b up && "
		     "tc qdisc add dev to-b root netem delay 200ms") ||
	    netns_sh("sto-b", "ip addr add 192.0.2.2/24 dev to-a && ip link set to-a up") ||
	    /* nothing but the test's packets is to be waited for */
	    netns_sh("sto-a", "ip neigh add 192.0.2.2 dev to-b nud permanent lladdr "
		     "$(ip -n sto-b -j link show to-a | sed 's/.*\"address\":\"\\([^\"]*\\)\".*/\\1/')"))
		return false;
	tx = udp("sto-a", "192.0.2.2", true);
	rx = udp("sto-b", "192.0.2.2", false);
	return tx >= 0 && rx >= 0;
}

static unsigned int received(unsigned int want)
{
	unsigned int n = 0;
	char buf[16];

	while (n < want && recv(rx, buf, sizeof(buf), 0) > 0)
		n++;
	return n;
}

static int attach_label(struct storage_bpf *skel)
{
	int old = netns_enter("sto-a"), fd;

	fd = bpf_link_create(bpf_program__fd(skel->progs.label), if_nametoindex("to-b"),
			     TCX_EGRESS, NULL);
	netns_leave(old);
	return fd;
}

static bool send_all(void)
{
	for (unsigned int i = 0; i < PACKETS; i++)
		if (send(tx, "storage", 8, 0) != 8)
			return false;
	return true;
}

/* While packets wait, with values in them, the maps and the programs go. */
static bool map_goes(struct ktap *t)
{
	struct storage_bpf *skel = load("label");
	__u64 seen;
	int fd;

	if (!skel)
		return false;
	fd = attach_label(skel);
	if (fd < 0 || !send_all()) {
		ktap_diag(t, "nothing could be sent");
		return false;
	}
	seen = skel->bss->trace_seen;
	close(fd);
	storage_bpf__destroy(skel);
	if (seen < PACKETS) {
		ktap_diag(t, "%llu packets were labelled", (unsigned long long)seen);
		return false;
	}
	return received(PACKETS) == PACKETS;
}

static bool tracing(struct ktap *t)
{
	struct storage_bpf *skel = storage_bpf__open();
	struct bpf_link *link = NULL;
	bool ok = false;
	int fd = -1;

	if (!skel || bpf_program__set_autoload(skel->progs.look, true) ||
	    bpf_program__set_autoload(skel->progs.label, true) || storage_bpf__load(skel)) {
		ktap_diag(t, "does not load");
		goto out;
	}
	link = bpf_program__attach(skel->progs.look);
	fd = attach_label(skel);
	if (!link || fd < 0 || !send_all() || received(PACKETS) != PACKETS) {
		ktap_diag(t, "packets got lost");
		goto out;
	}
	ok = skel->bss->trace_saw >= PACKETS && !skel->bss->trace_made;
	ktap_diag(t, "read %llu times, made %llu times", (unsigned long long)skel->bss->trace_saw,
		  (unsigned long long)skel->bss->trace_made);
out:
	close(fd);
	bpf_link__destroy(link);
	storage_bpf__destroy(skel);
	return ok;
}

int main(void)
{
	static const char *const not_taken[] = {
		"of_a_hash", "by_lookup", "not_checked", "beyond_value", "trace_writes",
		"trace_deletes",
	};
	struct btf *vmlinux = btf__load_vmlinux_btf();
	struct ktap t;

	if (!vmlinux || btf__find_by_name_kind(vmlinux, "bpf_skb_storage_get", BTF_KIND_FUNC) < 0)
		return ktap_skip_all("this kernel has no storage of packets");

	ktap_start(&t, 7 + sizeof(not_taken) / sizeof(not_taken[0]));
#define TEST(name, how)	do {							\
		bool ok_ = how;							\
		ktap_result(&t, ok_ ? KTAP_PASS : KTAP_FAIL, ok_ ? NULL : "see above", name); \
	} while (0)
	/* the clone waits on lo */
	netns_sh(NULL, "ip link set lo up");
	TEST("values", STEPS(&t, values, false));
	TEST("errors", STEPS(&t, errors, false));
	TEST("shared", STEPS(&t, shared, true));
	TEST("user_space", user_space(&t));
	TEST("creation", creation(&t));
	if (!network_up())
		return ktap_bail_out(&t, "the network could not be set up");
	TEST("tracing", tracing(&t));
	TEST("map_goes", map_goes(&t));
	for (size_t i = 0; i < sizeof(not_taken) / sizeof(not_taken[0]); i++) {
		bool ok = refused(not_taken[i]);

		ktap_result(&t, ok ? KTAP_PASS : KTAP_FAIL, ok ? NULL : "the verifier takes it",
			    "refused.%s", not_taken[i]);
	}
	return ktap_finish(&t);
}

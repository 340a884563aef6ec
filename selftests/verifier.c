// SPDX-License-Identifier: GPL-2.0
/*
 * What the verifier lets programs do with packet metadata at each hook, and what it says
 * when it does not. Every program that is refused has a twin beside it that is taken.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../bpf-progs/reach.h"
#include "ktap.h"
#include "netns.h"
#include "train.h"
#include "verifier.skel.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define CGROUP		"/sys/fs/cgroup/verifier"

#define NO_WRITE	"the prog does not allow writes to packet metadata"
#define NO_DATA_WRITE	"the prog does not allow writes to packet data"
#define NO_RESIZE	"calling kernel function bpf_skb_meta_resize is not allowed"
#define NO_STORE	"calling kernel function bpf_skb_meta_store is not allowed"
#define NO_SOCK_OPS	"calling kernel function bpf_dynptr_from_sock_ops_meta is not allowed"
#define NO_KFUNC	"calling kernel function bpf_dynptr_from_skb_meta is not allowed"
#define STALE		"invalid mem access 'scalar'"

static struct verifier_bpf *skel;
static struct ktap ktap;

/* What a hook's programs may do, NULL, or what they are told. */
static const struct {
	const char *name, *write, *slice_rdwr, *resize;
} hooks[] = {
	{ "tc",		NULL, NULL, NULL },
	{ "action",	NULL, NULL, NULL },
	{ "xmit",	NULL, NULL, NULL },
	/* these change no packet's data, so there is no pointer to write through */
	{ "in",		NULL, NO_DATA_WRITE, NULL },
	{ "out",	NULL, NO_DATA_WRITE, NULL },
	{ "seg6local",	NULL, NO_DATA_WRITE, NULL },
	{ "egress",	NULL, NO_DATA_WRITE, NULL },
	{ "ingress",	NO_WRITE, NO_DATA_WRITE, NO_RESIZE },
	{ "cgroup",	NO_WRITE, NO_DATA_WRITE, NO_RESIZE },	/* of both ways */
	{ "socket_filter", NO_WRITE, NO_DATA_WRITE, NO_RESIZE },
	{ "sk_skb",	NO_WRITE, NO_WRITE, NO_RESIZE },
	{ "netfilter",	NO_WRITE, NO_DATA_WRITE, NO_RESIZE },
	{ "tracing",	NO_WRITE, NO_DATA_WRITE, NO_RESIZE },
	{ "lsm",	NO_WRITE, NO_DATA_WRITE, NO_RESIZE },
};

static const struct {
	const char *prog, *message;
} others[] = {
	{ "flow_dissector_read",	NO_KFUNC },
	{ "reuseport_read",		NO_KFUNC },
	{ "xdp_resize",			NO_RESIZE },
	{ "skb_walked",			"must be referenced or trusted" },
	{ "skb_number",			"R1 is scalar expected STRUCT __sk_buff" },
	{ "skb_freed",			"must be referenced or trusted" },
	{ "load_freed",			"must be referenced or trusted" },
	{ "sock_ops_meta_read",		NULL },
	{ "sock_ops_meta_write",	NO_WRITE },
	{ "tc_sock_ops_meta",		NO_SOCK_OPS },
	{ "sock_ops_read",		"must be referenced or trusted" },
	{ "sock_ops_walk",		NULL },
	{ "slice_in_bounds",		NULL },
	{ "slice_out_of_bounds",	"invalid access to memory, mem_size=8 off=8 size=4" },
	{ "slice_before",		"is outside of the allowed memory range" },
	{ "slice_unchecked",		"invalid mem access 'rdonly_mem_or_null'" },
	{ "slice_written",		"cannot write into rdonly_mem" },
	{ "slice_of_unknown_size",	"must be a known constant" },
	{ "stale_after_resize",		STALE },
	{ "stale_rdwr_after_resize",	STALE },
	{ "stale_after_store",		STALE },
	{ "stale_after_write",		STALE },
	{ "stale_after_push",		STALE },
	{ "stale_after_pull",		STALE },
	{ "fresh_after_resize",		NULL },
	{ "fresh_rdwr_after_resize",	NULL },
	{ "fresh_after_write",		NULL },
	{ "packet_after_resize",	STALE },
	{ "global_slice_after_resize",	STALE },
	{ "global_new_slice_after_resize",	NULL },
	{ "tc_global_write",		NULL },
	{ "tc_global_read",		NULL },
	{ "egress_global_write",		"global functions can't write to packet metadata" },
	{ "egress_global_read",		"packet metadata can't be passed to" },
	{ "egress_global_store",		NULL },
	{ "ingress_global_read",		NULL },
};

static void load(const char *prog, const char *message, const char *name)
{
	static char log[1 << 20];
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_buf = log, .log_size = sizeof(log),
		    .log_level = 1);
	struct bpf_program *p = bpf_object__find_program_by_name(skel->obj, prog);
	enum ktap_verdict v = KTAP_PASS;
	char why[512] = "";
	int fd;

	*log = '\0';
	fd = p ? bpf_program__clone(p, &opts) : -ENOENT;
	if (fd >= 0 && message)
		snprintf(why, sizeof(why), "%s is taken, not told \"%s\"", prog, message);
	else if (fd < 0 && !message)
		snprintf(why, sizeof(why), "%s is refused: %s", prog, strerror(-fd));
	else if (fd < 0 && !strstr(log, message))
		snprintf(why, sizeof(why), "%s is refused (%s), but not told \"%s\"", prog,
			 strerror(-fd), message);
	if (*why) {
		ktap_diag(&ktap, "the verifier: %s", log);
		v = KTAP_FAIL;
	}
	if (fd >= 0)
		close(fd);
	ktap_result(&ktap, v, why, "%s", name);
}

static void load_hook(int h)
{
	const struct {
		const char *what, *message;
	} what[] = {
		{ "read", NULL },
		{ "load", NULL },
		{ "slice", NULL },
		{ "write", hooks[h].write },
		{ "write_clone", hooks[h].write },
		{ "slice_rdwr", hooks[h].slice_rdwr },
		{ "resize", hooks[h].resize },
		{ "store", hooks[h].resize ? NO_STORE : NULL },
	};
	char prog[64], name[64];

	for (size_t i = 0; i < ARRAY_SIZE(what); i++) {
		snprintf(prog, sizeof(prog), "%s_%s", hooks[h].name, what[i].what);
		snprintf(name, sizeof(name), "%s.%s", hooks[h].name, what[i].what);
		load(prog, what[i].message, name);
	}
}

/* A program is looked at as one for egress: it must not be attached elsewhere then. */
static void attach(struct bpf_program *p, enum bpf_attach_type type, int want, const char *name)
{
	int cgroup, fd = bpf_program__clone(p, NULL), err;
	char why[256] = "";

	mkdir(CGROUP, 0755);
	cgroup = open(CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = fd < 0 ? fd : bpf_prog_attach(fd, cgroup, type, 0);
	if (err != want)
		snprintf(why, sizeof(why), "%s: attaching says %d, not %d",
			 bpf_program__name(p), err, want);
	close(fd);
	close(cgroup);
	rmdir(CGROUP);
	ktap_result(&ktap, *why ? KTAP_FAIL : KTAP_PASS, why, "attach.%s", name);
}

/* Nor is a program that is attached elsewhere to call it: an array is of one kind. */
static void tail_call(struct bpf_program *first, struct bpf_program *second, int want,
		      const char *name)
{
	int map = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, NULL, 4, 4, 2, NULL), err;
	int fds[] = { bpf_program__clone(first, NULL), bpf_program__clone(second, NULL) };
	char why[256] = "";

	err = map < 0 ? map : 0;
	for (int i = 0; i < 2 && !err; i++) {
		err = fds[i] < 0 ? fds[i] : bpf_map_update_elem(map, &i, &fds[i], 0);
		if (err && !i)
			snprintf(why, sizeof(why), "%s: the array does not take it: %d",
				 bpf_program__name(first), err);
	}
	if (!*why && err != want)
		snprintf(why, sizeof(why), "%s beside %s: the array says %d, not %d",
			 bpf_program__name(second), bpf_program__name(first), err, want);
	close(fds[0]);
	close(fds[1]);
	close(map);
	ktap_result(&ktap, *why ? KTAP_FAIL : KTAP_PASS, why, "tail-call.%s", name);
}

int main(void)
{
	const char *missing = meta_missing();

	if (missing)
		return ktap_skip_all(missing);
	ktap_start(&ktap, 8 * ARRAY_SIZE(hooks) + ARRAY_SIZE(others) + 6);
	skel = verifier_bpf__open();
	if (!skel || bpf_object__prepare(skel->obj))
		return ktap_bail_out(&ktap, "the BPF programs cannot be prepared");

	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		load_hook(i);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		load(others[i].prog, others[i].message, others[i].prog);

	attach(skel->progs.egress_resize, BPF_CGROUP_INET_EGRESS, 0, "resize-at-egress");
	attach(skel->progs.egress_resize, BPF_CGROUP_INET_INGRESS, -EINVAL, "resize-at-ingress");
	attach(skel->progs.egress_write, BPF_CGROUP_INET_EGRESS, 0, "write-at-egress");
	attach(skel->progs.egress_write, BPF_CGROUP_INET_INGRESS, -EINVAL, "write-at-ingress");
	tail_call(skel->progs.egress_read, skel->progs.egress_resize, 0, "egress-to-egress");
	tail_call(skel->progs.ingress_read, skel->progs.egress_resize, -EINVAL, "ingress-to-egress");
	return ktap_finish(&ktap);
}

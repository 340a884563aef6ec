// SPDX-License-Identifier: GPL-2.0
/* Programs that make the calls they are told on bytes in an skb's extension. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "ext.h"

#define TCX_NEXT	-1
/* the other variants' kernels have neither this nor the kfunc, and it is compiled for all */
#define CREATE		1

extern int bpf_dynptr_from_skb_ext(struct __sk_buff *skb, __u32 size, __u64 flags,
				   struct bpf_dynptr *ptr__uninit) __ksym __weak;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u64 offset, void *buffer__nullable,
			      __u64 buffer__szk) __ksym __weak;

struct ext_step steps[EXT_STEPS];
__s32 stale[8];
__u64 labelled, trace_read, trace_write, trace_create, lsm_read, lsm_create;

SEC("?tc")
int at_tc(struct __sk_buff *skb)
{
	struct bpf_dynptr ext;
	int i;

	bpf_for(i, 0, EXT_STEPS) {
		struct ext_step *s = &steps[i];
		__u32 word = s->val;
		int err;

		if (!s->op)
			continue;
		if (s->op == EXT_CLONE) {
			s->ret = bpf_clone_redirect(skb, EXT_LO, 0);
			continue;
		}
		err = bpf_dynptr_from_skb_ext(skb, s->size, s->flags, &ext);
		if (!err && s->op == EXT_WRITE)
			err = bpf_dynptr_write(&ext, s->off, &word, sizeof(word), 0);
		if (!err && s->op == EXT_READ) {
			err = bpf_dynptr_read(&word, sizeof(word), &ext, s->off, 0);
			s->val = err ? 0 : word;
		}
		if (s->op == EXT_GET)	/* how long it is */
			s->val = err ? 0 : bpf_dynptr_size(&ext);
		s->ret = err;
	}
	return 0;
}

/* A dynptr that is older than a clone, and than other lengths. */
SEC("?tc")
int at_stale(struct __sk_buff *skb)
{
	struct bpf_dynptr ext, again;
	__u32 word = 7;
	__u8 buf[4];

	stale[0] = bpf_dynptr_from_skb_ext(skb, 16, CREATE, &ext);
	stale[1] = bpf_dynptr_write(&ext, 0, &word, sizeof(word), 0);
	bpf_clone_redirect(skb, EXT_LO, 0);
	stale[2] = bpf_dynptr_write(&ext, 0, &word, sizeof(word), 0);
	stale[3] = bpf_dynptr_from_skb_ext(skb, 8, CREATE, &again);
	stale[4] = bpf_dynptr_write(&again, 0, &word, sizeof(word), 0);
	/* there are 8 now, which the first one does not know */
	stale[5] = bpf_dynptr_write(&ext, 12, &word, sizeof(word), 0);
	/* to the bytes themselves there is no pointer */
	stale[6] = !!bpf_dynptr_slice(&again, 0, NULL, sizeof(buf));
	stale[7] = !!bpf_dynptr_slice(&again, 0, buf, sizeof(buf));
	return 0;
}

SEC("?tcx/egress")
int label(struct __sk_buff *skb)
{
	struct bpf_dynptr ext;
	__u32 word = 42;

	skb->mark = EXT_MARK;
	if (!bpf_dynptr_from_skb_ext(skb, 16, CREATE, &ext) &&
	    !bpf_dynptr_write(&ext, 0, &word, sizeof(word), 0))
		__sync_fetch_and_add(&labelled, 1);
	return TCX_NEXT;
}

static __always_inline void look(struct __sk_buff *skb, __u64 *read, __u64 *write,
				 __u64 *create)
{
	struct bpf_dynptr ext;
	__u32 word = 0;

	if (!bpf_dynptr_from_skb_ext(skb, 0, 0, &ext) &&
	    !bpf_dynptr_read(&word, sizeof(word), &ext, 0, 0) && word == 42)
		__sync_fetch_and_add(read, 1);
	if (!bpf_dynptr_write(&ext, 0, &word, sizeof(word), 0))
		__sync_fetch_and_add(write, 1);
	if (bpf_dynptr_from_skb_ext(skb, 16, CREATE, &ext) != -1 /* EPERM */)
		__sync_fetch_and_add(create, 1);
}

/* Where it goes to the device. */
SEC("?tp_btf/net_dev_start_xmit")
int BPF_PROG(trace, const struct sk_buff *skb, const struct net_device *dev)
{
	if (skb->mark == EXT_MARK)
		look((struct __sk_buff *)skb, &trace_read, &trace_write, &trace_create);
	return 0;
}

/* Where the packet gets to its socket, over lo. */
SEC("?lsm/socket_sock_rcv_skb")
int BPF_PROG(lsm, struct sock *sk, struct sk_buff *skb)
{
	if (skb->mark == EXT_MARK)
		look((struct __sk_buff *)skb, &lsm_read, &trace_write, &lsm_create);
	return 0;
}

char _license[] SEC("license") = "GPL";

// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to packets besides being sent: allocations of any kind, heads that are
 * reallocated, metadata that is moved. Counted where it happens, whoever does it: what the
 * rest of the machine allocates is in it, so the bench has to be alone on it, and what is
 * reported is the difference to the floor, counted the same way.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "../bench/bench.h"

struct bench_events events;
unsigned int turn = 1;			/* what was allocated before this one is not freed of it */

struct object {
	__u32 size, turn;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct object);
} objects SEC(".maps");

static __always_inline void allocated(const void *p, __u32 size)
{
	struct object o = { .size = size, .turn = turn };
	__u64 key = (__u64)p;

	events.allocs++;
	events.alloc_bytes += size;
	if (p && !bpf_map_update_elem(&objects, &key, &o, BPF_ANY)) {
		events.held++;
		events.held_bytes += size;
	}
}

static __always_inline void freed(const void *p)
{
	__u64 key = (__u64)p;
	struct object *o = bpf_map_lookup_elem(&objects, &key);

	if (!o)
		return;
	if (o->turn == turn) {
		events.held--;
		events.held_bytes -= o->size;
	}
	bpf_map_delete_elem(&objects, &key);
}

SEC("tp_btf/kmem_cache_alloc")
int BPF_PROG(on_cache, unsigned long ip, const void *p, struct kmem_cache *cache)
{
	allocated(p, cache->size);
	return 0;
}

SEC("tp_btf/kmalloc")
int BPF_PROG(on_kmalloc, unsigned long ip, const void *p, size_t asked, size_t got)
{
	allocated(p, got);
	return 0;
}

SEC("tp_btf/kmem_cache_free")
int BPF_PROG(on_cache_free, unsigned long ip, const void *p)
{
	freed(p);
	return 0;
}

SEC("tp_btf/kfree")
int BPF_PROG(on_kfree, unsigned long ip, const void *p)
{
	freed(p);
	return 0;
}

SEC("tp_btf/mm_page_alloc")
int BPF_PROG(on_page, struct page *page, unsigned int order)
{
	events.allocs++;
	events.alloc_bytes += 4096u << order;
	return 0;
}

/* bench.c has it at __pskb_expand_head() where a series has split it: some callers go there directly */
SEC("fentry/pskb_expand_head")
int BPF_PROG(on_expand, struct sk_buff *skb)
{
	events.expands++;
	return 0;
}

/* only the series movable says so */
SEC("tp_btf/skb_meta_move")
int BPF_PROG(on_move, const struct sk_buff *skb, const char *what, unsigned int len)
{
	events.moves++;
	events.moved_bytes += len;
	return 0;
}

char _license[] SEC("license") = "GPL";

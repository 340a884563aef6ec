/* SPDX-License-Identifier: GPL-2.0 */
/* storage, table: the metadata as the value of a map. */
#ifndef PKT_META_VALUE_H
#define PKT_META_VALUE_H

struct pkt_meta_value {
	__u32 len;
	__u32 words[PKT_META_MAX / 4];
};

/*
 * Through a dynptr: the lengths need not be constants. (It cannot be made for less than
 * all of the words, so it does not know how many of them count.)
 */
static __always_inline int pkt_meta_value_copy(struct pkt_meta_value *v, __u32 off, void *buf,
					       __u32 len, int to_value)
{
	struct bpf_dynptr words;

	if (off > PKT_META_MAX || len > PKT_META_MAX || off % 4 || len % 4 ||
	    off + len > v->len)
		return -EINVAL;
	if (bpf_dynptr_from_mem(v->words, sizeof(v->words), 0, &words))
		return -EINVAL;
	return (to_value ? bpf_dynptr_write(&words, off, buf, len, 0) :
			   bpf_dynptr_read(buf, len, &words, off, 0)) ? -EINVAL : 0;
}

/* Where the value may be read only: no dynptr can be made of that. */
static __always_inline int pkt_meta_value_words(const struct pkt_meta_value *v, __u32 *buf,
						__u32 len)
{
	if (!v || !v->len)
		return -ENODATA;
	if (len % 4 || len > v->len)
		return -EINVAL;
	for (__u32 i = 0; i < PKT_META_MAX / 4 && i < len / 4; i++)
		buf[i] = v->words[i];
	return 0;
}

/* What XDP left in front of the packet. */
static __always_inline int pkt_meta_value_adopt(struct pkt_meta_value *v,
						struct bpf_dynptr *meta, __u32 size)
{
	if (size > PKT_META_MAX || bpf_dynptr_read(v->words, size, meta, 0, 0))
		return -EINVAL;
	v->len = size;
	return 0;
}

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * A socket's queue never shows a packet's bytes with another packet's metadata, though TCP
 * likes to put what comes in into the packet that is there already. Segments of a stream
 * wait in the receive queue, each with a label of its own; a sockmap program then reads
 * what comes out.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <arpa/inet.h>

#include "ktap.h"
#include "netns.h"
#include "queue.skel.h"
#include "train.h"

#define PORT		5002
#define SEGMENTS	64

static struct queue_bpf *skel;
static int sender = -1, receiver = -1;
static unsigned int sent;

static int connected(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	sender = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l < 0 || sender < 0 ||
	    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(sender, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    bind(l, (struct sockaddr *)&to, sizeof(to)) || listen(l, 1) ||
	    connect(sender, (struct sockaddr *)&to, sizeof(to)))
		return -1;
	receiver = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	close(l);
	return receiver < 0 ? -1 : 0;
}

static int send_word(void)
{
	unsigned int word = 0x71000000 + sent++;

	return send(sender, &word, sizeof(word), 0) == sizeof(word) ? 0 : -1;
}

static bool all_queued(void *arg)
{
	int n = 0;

	return !ioctl(receiver, FIONREAD, &n) && n == (int)(sent * sizeof(int));
}

static bool all_read(void *arg)
{
	return (skel->bss->bytes_right + skel->bss->bytes_foreign) / sizeof(int) +
	       skel->bss->packets_bare >= sent;
}

static int network_up(void)
{
	LIBBPF_OPTS(bpf_tcx_opts, opts);
	struct bpf_link *link;

	if (netns_add("queue") || netns_enter("queue") < 0 ||
	    netns_sh(NULL, "ip link set lo up; sysctl -qw net.ipv4.tcp_autocorking=0"))
		return -1;
	link = bpf_program__attach_tcx(skel->progs.make, if_nametoindex("lo"), &opts);
	return !link || bpf_prog_attach(bpf_program__fd(skel->progs.out),
					bpf_map__fd(skel->maps.streams),
					BPF_SK_SKB_STREAM_VERDICT, 0) || connected() ? -1 : 0;
}

int main(void)
{
	const char *why = meta_missing();
	struct ktap t;
	char text[256];
	__u64 fd;

	if (why)
		return ktap_skip_all(why);
	ktap_start(&t, 3);
	skel = queue_bpf__open_and_load();
	if (!skel)
		return ktap_bail_out(&t, "the BPF programs do not load");
	if (network_up())
		return ktap_bail_out(&t, "the network could not be set up");

	while (sent < SEGMENTS)
		if (send_word())
			return ktap_bail_out(&t, "sending");
	snprintf(text, sizeof(text), "not all of %u segments are in the receive queue", sent);
	ktap_result(&t, wait_for(all_queued, NULL, 5) ? KTAP_PASS : KTAP_FAIL, text, "queued");

	/* What is queued comes out with the next segment. */
	fd = receiver;
	if (bpf_map_update_elem(bpf_map__fd(skel->maps.streams), &(__u32){ 0 }, &fd, BPF_ANY) ||
	    send_word())
		return ktap_bail_out(&t, "the sockmap");
	wait_for(all_read, NULL, 5);
	snprintf(text, sizeof(text), "%llu labels made, %llu of %u packets read had none",
		 skel->bss->labelled, skel->bss->packets_bare, sent);
	ktap_result(&t, skel->bss->labelled && !skel->bss->packets_bare &&
		    skel->bss->packets_right ? KTAP_PASS : KTAP_FAIL, text, "labelled");
	snprintf(text, sizeof(text), "%llu bytes with another packet's label; the last: %u bytes that begin "
		 "with %#x, by the label %u with %#x", skel->bss->bytes_foreign,
		 skel->bss->bytes, skel->bss->first, skel->bss->had_bytes, skel->bss->had_first);
	ktap_result(&t, skel->bss->bytes_right == sent * sizeof(int) &&
		    !skel->bss->bytes_foreign ? KTAP_PASS : KTAP_FAIL, text, "own-label");
	close(sender);
	close(receiver);
	netns_del("queue");
	return ktap_finish(&t);
}

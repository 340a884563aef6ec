// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/types.h>

#include "../bpf-progs/testbed.h"
#include "../lib/netns.h"
#include "checkpoints.h"
#include "net.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define STR_(s)		#s
#define STR(s)		STR_(s)

/* On the underlay there is room for a tunnel around what there is in the rest. */
#define UNDERLAY_MTU	3000
static const struct mtu {
	int inner, underlay;
} mtus[] = { { 1500, UNDERLAY_MTU }, { 9000, 9500 } }, *mtu = mtus;

static char ns[NODES][32];

const char *net_ns(enum node n)
{
	return ns[n];
}

int net_enter(enum node n)
{
	return netns_enter(ns[n]);
}

/* ---- tunnel files ---- */

/* What is wrong in a file, for a line on stderr. */
static __attribute__((format(printf, 1, 2))) const char *wrong(const char *fmt, ...)
{
	static char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return text;
}

/* The first of the value's words that is none of these; NULL: there is none. */
static const char *stranger(const char *value, const char *words)
{
	static char word[64];

	for (value += strspn(value, " "); *value; value += strspn(value, " ")) {
		size_t len = strcspn(value, " ");

		snprintf(word, sizeof(word), "%.*s", (int)len, value);
		if (len >= sizeof(word) || !tunnel_has(words, word))
			return word;
		value += len;
	}
	return NULL;
}

/* Every place that packets may be looked at. */
static const char *places(void)
{
	static char names[1024];
	size_t n = 0;

	if (*names)
		return names;
	for (size_t i = 0; i < NR_CHECKPOINTS; i++)
		n += snprintf(names + n, sizeof(names) - n, "%s ", checkpoints[i].name);
	for (int p = 0; p < TB_POINTS && n < sizeof(names); p++)
		n += snprintf(names + n, sizeof(names) - n, "%s%s", points[p].name,
			      p + 1 < TB_POINTS ? " " : "");
	return names;
}

#define IDENTIFIER	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/*
 * name=value or name="value" at the start of a line, as the shell would read it, and
 * which of the functions there are. NULL, or what is wrong with it: what is misspelt
 * would be a test that tests something else.
 */
static const char *variable(struct tunnel *t, const char *line, bool *up)
{
	static const char number[] = "a number";
	const struct {
		const char *name;
		bool *is_there;
	} function[] = {
		{ "tunnel_up", up },
		{ "tunnel_route", &t->route },
		{ "tunnel_transit", &t->transit },
		{ "tunnel_down", &t->down },
		{ "tunnel_check", &t->check },
	};
	const struct {
		const char *name;
		char *to;
		size_t size;
		const char *words;	/* that there are; NULL: whatever */
	} known[] = {
		{ "layer", t->layer, sizeof(t->layer) },	/* see tunnel_read() */
		{ "underlay", t->underlay, sizeof(t->underlay) },
		{ "carries", t->carries, sizeof(t->carries), "4 6" },
		{ "needs", t->needs, sizeof(t->needs) },
		{ "iproute2", t->iproute2, sizeof(t->iproute2) },
		{ "overhead", t->overhead, sizeof(t->overhead), number },
		{ "also", t->also, sizeof(t->also), TUNNEL_FLAVOURS },
		{ "device", t->device, sizeof(t->device), "none" },
		{ "gso", t->gso, sizeof(t->gso), "no" },
		{ "encrypted", t->encrypted, sizeof(t->encrypted), "yes" },
		{ "fragments", t->fragments, sizeof(t->fragments), "yes" },
		{ "frames", t->frames, sizeof(t->frames), "yes" },
		{ "outer", t->outer, sizeof(t->outer), "no" },
		{ "mac", t->mac, sizeof(t->mac), "own" },
		{ "mtu", t->mtu, sizeof(t->mtu), number },
		{ "bypasses", t->bypasses, sizeof(t->bypasses), places() },
		{ "tools", t->tools, sizeof(t->tools) },
		{ "tags", t->tags, sizeof(t->tags), "yes" },
		{ "untagged", t->untagged, sizeof(t->untagged), "yes inside" },
		{ "errors", t->errors, sizeof(t->errors), "yes" },
		{ "mss", t->mss, sizeof(t->mss), number },
		{ "routed", t->routed, sizeof(t->routed), "no" },
		{ "traffic", t->traffic, sizeof(t->traffic), TUNNEL_TRAFFICS },
	};
	size_t len = strspn(line, IDENTIFIER);
	const char *value = line + len + 1, *word;
	char names[512] = "";

	if (!strncmp(line, "tunnel_", strlen("tunnel_")) && !strncmp(line + len, "()", 2)) {
		for (size_t i = 0; i < ARRAY_SIZE(function); i++) {
			if (strlen(function[i].name) == len &&
			    !strncmp(function[i].name, line, len)) {
				*function[i].is_there = true;
				return NULL;
			}
			sprintf(names + strlen(names), " %s()", function[i].name);
		}
		return wrong("%.*s(): no such function; there are:%s", (int)len, line, names);
	}
	if (!len || line[len] != '=')
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strlen(known[i].name) != len || strncmp(known[i].name, line, len)) {
			sprintf(names + strlen(names), " %s", known[i].name);
			continue;
		}
		value += *value == '"';
		if (snprintf(known[i].to, known[i].size, "%.*s", (int)strcspn(value, "\"\n"),
			     value) >= (int)known[i].size)
			return wrong("%s=: longer than %zu characters", known[i].name,
				     known[i].size - 1);
		value = known[i].to;
		if (known[i].words == number)
			return value[strspn(value, "0123456789")] ?
			       wrong("%s=%s: it is a number", known[i].name, value) : NULL;
		word = known[i].words ? stranger(value, known[i].words) : NULL;
		return word ? wrong("%s=: there is no %s; valid are: %s", known[i].name, word,
				    known[i].words) : NULL;
	}
	return wrong("%.*s=: no such variable; there are:%s", (int)len, line, names);
}

/* NULL, or what is wrong. */
static const char *contradiction(const struct tunnel *t, bool up)
{
	if (strcmp(t->layer, "l2") && strcmp(t->layer, "l3"))
		return wrong("layer=%s: l2 or l3", t->layer);
	if (!tunnel_has("none 4 6 eth pair", t->underlay))
		return wrong("underlay=%s: none, 4, 6, eth or pair", t->underlay);
	if (tunnel_has(t->also, "bridged") && (strcmp(t->layer, "l2") || !tunnel_has_device(t)))
		return "also=bridged: not without layer=l2 and a device";
	if (!strcmp(t->layer, "l2") && !tunnel_has_device(t))
		return "layer=l2, but no device";
	if (!tunnel_has(t->carries, "4") && !tunnel_has(t->carries, "6"))
		return wrong("carries=%s: 4, 6 or both", t->carries);
	if (mtu->inner + atoi(t->overhead) > mtu->underlay)
		return wrong("overhead=%s: too much for the underlay", t->overhead);
	if (!up && strcmp(t->underlay, "none"))
		return "there is no tunnel_up()";
	return NULL;
}

static int tunnel_read(struct tunnel *t, const char *dir, const char *name)
{
	const char *why = NULL;
	bool up = false;
	char line[512];
	FILE *f;

	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%s", name);
	snprintf(t->path, sizeof(t->path), "%s/%s", dir, name);
	f = fopen(t->path, "r");
	if (!f) {
		fprintf(stderr, "testbed: %s: %s\n", t->path, strerror(errno));
		return -1;
	}
	while (!why && fgets(line, sizeof(line), f))
		why = variable(t, line, &up);
	fclose(f);
	why = why ?: contradiction(t, up);
	if (why)
		fprintf(stderr, "testbed: %s: %s\n", t->path, why);
	return why ? -1 : 0;
}

static int by_name(const void *a, const void *b)
{
	const struct tunnel *x = a, *y = b;
	int control = !strcmp(y->underlay, "none") - !strcmp(x->underlay, "none");

	return control ?: strcmp(x->name, y->name);
}

/* Adds what is in a directory to the n there are; how many these are then. */
static int read_dir(const char *dir, struct tunnel **tunnels, int n)
{
	struct dirent *e;
	int first = n;
	DIR *d;

	d = opendir(dir);
	if (!d) {
		fprintf(stderr, "testbed: %s: %s\n", dir, strerror(errno));
		return -1;
	}
	while ((e = readdir(d))) {
		/* an editor's back-up is no tunnel */
		if (strspn(e->d_name, "abcdefghijklmnopqrstuvwxyz0123456789-_") !=
		    strlen(e->d_name))
			continue;
		*tunnels = realloc(*tunnels, (n + 1) * sizeof(**tunnels));
		if (!*tunnels || tunnel_read(&(*tunnels)[n], dir, e->d_name)) {
			n = -1;
			break;
		}
		n++;
	}
	closedir(d);
	if (n > first)
		qsort(*tunnels + first, n - first, sizeof(**tunnels), by_name);
	return n;
}

int tunnels_read(const char *dir, struct tunnel **tunnels)
{
	static const char * const kind[] = { "tunnels", "paths" };
	char path[256];
	int n = 0;

	*tunnels = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(kind) && n >= 0; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, kind[i]);
		n = read_dir(path, tunnels, n);
	}
	return n;
}

bool tunnel_has(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (; *words; words += strcspn(words, " ")) {
		words += strspn(words, " ");
		if (len && strcspn(words, " ") == len && !strncmp(words, word, len))
			return true;
	}
	return false;
}

bool tunnel_has_device(const struct tunnel *t)
{
	return strcmp(t->underlay, "none") && strcmp(t->device, "none");
}

static const char *not_in(const struct tunnel *outer, const struct tunnel *inner)
{
	static char reason[256];
	const char *why = NULL, *who = outer->name;
	unsigned int depth = 1;
	bool tagged = false;

	for (const struct tunnel *t = outer; t; t = t->under) {
		depth++;
		tagged |= !strcmp(t->tags, "yes");
	}
	if (depth > TUNNEL_DEPTH)
		why = "is deep enough";
	else if (!tunnel_has_device(outer) || outer->route || !strcmp(outer->underlay, "pair"))
		why = "has no device that another one could go over";
	else if (!strcmp(outer->outer, "no") || *outer->mtu || *outer->bypasses ||
		 !strcmp(outer->fragments, "yes") || !strcmp(outer->errors, "yes"))
		why = "is not for any packet";
	else if (!strcmp(inner->underlay, "eth") && strcmp(outer->layer, "l2"))
		why = "carries no Ethernet frames";
	else if (strcmp(inner->underlay, "eth") && !tunnel_has(outer->carries, inner->underlay))
		why = "does not carry its outer packets";
	else if (mtu->inner + atoi(outer->overhead) + atoi(inner->overhead) > mtu->underlay)
		why = "has no room for its headers";
	else if (!strcmp(outer->untagged, "inside") && !strcmp(inner->tags, "yes"))
		why = "takes no frames with a tag";
	else if (tagged && !strcmp(inner->untagged, "yes"))
		why = "tags the frames that it is in";
	else
		who = inner->name;
	if (!why && (!strcmp(inner->underlay, "none") || !strcmp(inner->underlay, "pair")))
		why = "is not over anything";
	else if (!why && (inner->transit || *inner->traffic || *inner->bypasses ||
			  *inner->mtu || !strcmp(inner->fragments, "yes") ||
			  !strcmp(inner->errors, "yes")))
		why = "needs to be over the underlay itself";
	else if (!why && outer->down && inner->down)
		why = "and the other one both set up more than their device";
	if (!why)
		return NULL;
	snprintf(reason, sizeof(reason), "%s %s", who, why);
	return reason;
}

const char *tunnel_nest(struct tunnel *t, const struct tunnel *outer, const struct tunnel *inner)
{
	const char *why = not_in(outer, inner);

	if (why)
		return why;
	*t = *inner;
	t->under = outer;
	if (snprintf(t->name, sizeof(t->name), "%s/%s", outer->name, inner->name) >=
	    (int)sizeof(t->name))
		return "the name is too long";
	snprintf(t->overhead, sizeof(t->overhead), "%d",
		 atoi(outer->overhead) + atoi(inner->overhead));
	if (!strcmp(outer->gso, "no"))
		strcpy(t->gso, "no");
	if (!strcmp(outer->encrypted, "yes"))
		strcpy(t->encrypted, "yes");
	t->down |= outer->down;
	*t->also = '\0';
	return NULL;
}

static bool older(const char *have, const char *want)
{
	int h[3] = { 0 }, w[3] = { 0 };

	sscanf(have, "%d.%d.%d", &h[0], &h[1], &h[2]);
	sscanf(want, "%d.%d.%d", &w[0], &w[1], &w[2]);
	for (int i = 0; i < 3; i++)
		if (h[i] != w[i])
			return h[i] < w[i];
	return false;
}

static const char *iproute2_version(void)
{
	static char version[32];
	char line[128] = "", *v;
	FILE *p;

	if (*version)
		return version;
	p = popen("ip -V", "r");
	if (p) {
		v = fgets(line, sizeof(line), p) ? strstr(line, "iproute2-") : NULL;
		if (!v || sscanf(v, "iproute2-%31[0-9.]", version) != 1)
			strcpy(version, "0 (of unknown version)");
		pclose(p);
	}
	return version;
}

const char *tunnel_missing(const struct tunnel *t, const char *config)
{
	static char reason[256];
	char needs[sizeof(t->needs)], tools[sizeof(t->tools)], *need, *save;
	const char *missing = t->under ? tunnel_missing(t->under, config) : NULL;

	if (missing)
		return missing;
	strcpy(tools, t->tools);
	for (need = strtok_r(tools, " ", &save); need; need = strtok_r(NULL, " ", &save)) {
		if (!netns_try(NULL, "command -v %s", need))
			continue;
		snprintf(reason, sizeof(reason), "there is no command %s", need);
		return reason;
	}
	if (*t->iproute2 && older(iproute2_version(), t->iproute2)) {
		snprintf(reason, sizeof(reason), "iproute2 %s is older than %s",
			 iproute2_version(), t->iproute2);
		return reason;
	}
	if (!config)
		return NULL;
	strcpy(needs, t->needs);
	for (need = strtok_r(needs, " ", &save); need; need = strtok_r(NULL, " ", &save)) {
		char line[128];
		const char *at;

		snprintf(line, sizeof(line), "\n%s=", need);
		at = strstr(config, line);
		if (at && (at[strlen(line)] == 'y' || at[strlen(line)] == 'm'))
			continue;
		snprintf(reason, sizeof(reason), "the kernel has no %s", need);
		return reason;
	}
	return NULL;
}

/* ---- the row of namespaces ---- */

/* The last two bytes of a MAC address: which node, which of its devices. */
#define MAC_SRC		"02:00:00:00:01:02"
#define MAC_R1_SRC	"02:00:00:00:02:01"
#define MAC_R1_R2	"02:00:00:00:02:02"
#define MAC_R1_TUN	"02:00:00:00:02:03"
#define MAC_R2_R1	"02:00:00:00:03:01"
#define MAC_R2_R3	"02:00:00:00:03:02"
#define MAC_R3_R2	"02:00:00:00:04:01"
#define MAC_R3_SINK	"02:00:00:00:04:02"
#define MAC_R3_TUN	"02:00:00:00:04:03"
#define MAC_SINK	"02:00:00:00:05:01"

/*
 * src sends what it was given to send in whole trains, never a segment alone or twice:
 * whether a packet is merged and segmented must not depend on how fast the guest is.
 */
static const struct {
	const char *path, *value;
	const char *lossy;	/* where packets get lost it may, and soon */
} tcp_sysctls[] = {
	{ "net/ipv4/tcp_min_tso_segs", "64" },	/* the pacing would make them shorter */
	{ "net/ipv4/tcp_early_retrans", "0", "3" },	/* no loss probes */
	{ "net/ipv4/tcp_rto_min_us", "5000000", "20000" },
	{ "net/ipv4/tcp_timestamps", "0" },	/* or segments would end within a record */
};

#define LAST_VETH	"index " STR(TB_IF_SIDE) " address " MAC_R3_SINK \
			" type veth peer name to-r3 index 15 address " MAC_SINK

/* The last two of the row, made with r3's end; theirs is the name of the other one at first. */
static int last_hop_up(const char *how, const char *theirs)
{
	return netns_sh(ns[R3], "ip -batch - <<EOF\n"
		"link add to-sink %s\n"
		"link set %s name to-r3 netns %s\n"
		"addr add 203.0.113.1/26 dev to-sink\n"
		"addr add 2001:db8:3::1/64 dev to-sink nodad\n"
		"link set to-sink up\n"
		"neigh add 203.0.113.2 lladdr " MAC_SINK " dev to-sink nud permanent\n"
		"neigh add 2001:db8:3::2 lladdr " MAC_SINK " dev to-sink nud permanent\n"
		"EOF", how, theirs, ns[SINK]) ||
	       netns_sh(ns[SINK], "ip -batch - <<EOF\n"
		"addr add 203.0.113.2/26 dev to-r3\n"
		"addr add 192.0.2.130/26 dev to-r3\n"
		"addr add 2001:db8:3::2/64 dev to-r3 nodad\n"
		"addr add 2001:db8:b::2/64 dev to-r3 nodad\n"
		"link set to-r3 up\n"
		"neigh add 203.0.113.1 lladdr " MAC_R3_SINK " dev to-r3 nud permanent\n"
		"neigh add 192.0.2.129 lladdr " MAC_SRC " dev to-r3 nud permanent\n"
		"neigh add 2001:db8:3::1 lladdr " MAC_R3_SINK " dev to-r3 nud permanent\n"
		"neigh add 2001:db8:b::1 lladdr " MAC_SRC " dev to-r3 nud permanent\n"
		"route add default via 203.0.113.1\n"
		"route add default via 2001:db8:3::1\n"
		"EOF") ? -1 : 0;
}

/*
 * The network behind the first device is in 192.0.2/26 and 2001:db8:1, the underlay in
 * 198.51.100/26 (12) and .64/26 (23), the tunnel's own in .128/26 (f), the last in
 * 203.0.113/26 (3). Bridged src and sink share 192.0.2.128/26 and 2001:db8:b.
 */
int net_up(void)
{
	static const char * const name[NODES] = { "src", "r1", "r2", "r3", "sink" };

	for (int n = 0; n < NODES; n++) {
		/* two of them in one guest, from `make shell` say, must not meet */
		snprintf(ns[n], sizeof(ns[n]), "%s-%d", name[n], getpid());
		if (netns_add(ns[n]))
			return -1;
		if (n != SRC && n != SINK &&
		    (netns_sysctl(ns[n], "net/ipv4/ip_forward", "1") ||
		     netns_sysctl(ns[n], "net/ipv6/conf/all/forwarding", "1")))
			return -1;
	}

	/* MLDv2's reports are as long as a packet that counts, where that is all there is to see */
	for (int n = 0; n < NODES; n++)
		if (netns_sysctl(ns[n], "net/ipv6/conf/all/force_mld_version", "1"))
			return -1;

	/* the routing headers that stay in a packet to its end; not every kernel has them */
	for (int n = SRC; n <= SINK; n += SINK - SRC)
		netns_try(ns[n], "cd /proc/sys/net/ipv6/conf; for d in all default; do "
			  "echo 1 >$d/rpl_seg_enabled; echo 1 >$d/seg6_enabled; done");
	for (size_t i = 0; i < ARRAY_SIZE(tcp_sysctls); i++)
		for (enum node n = SRC; n <= R1; n++)
			if (netns_sysctl(ns[n], tcp_sysctls[i].path, tcp_sysctls[i].value))
				return -1;

	return netns_sh(ns[SRC], "ip -batch - <<EOF\n"
		"link add to-r1 address " MAC_SRC " type veth peer name to-src"
			" index " STR(TB_IF_SIDE) " address " MAC_R1_SRC " netns %s\n"
		"addr add 192.0.2.1/26 dev to-r1\n"
		"addr add 192.0.2.129/26 dev to-r1 noprefixroute\n"
		"addr add 2001:db8:1::1/64 dev to-r1 nodad\n"
		"addr add 2001:db8:b::1/64 dev to-r1 nodad noprefixroute\n"
		"link set to-r1 up\n"
		"neigh add 192.0.2.2 lladdr " MAC_R1_SRC " dev to-r1 nud permanent\n"
		"neigh add 192.0.2.130 lladdr " MAC_SINK " dev to-r1 nud permanent\n"
		"neigh add 2001:db8:1::2 lladdr " MAC_R1_SRC " dev to-r1 nud permanent\n"
		"neigh add 2001:db8:b::2 lladdr " MAC_SINK " dev to-r1 nud permanent\n"
		"route add default via 192.0.2.2 initcwnd 64\n"
		"route add default via 2001:db8:1::2 initcwnd 64\n"
		"route add 192.0.2.128/26 dev to-r1 src 192.0.2.129 initcwnd 64\n"
		"route add 2001:db8:b::/64 dev to-r1 src 2001:db8:b::1 initcwnd 64\n"
		"EOF", ns[R1]) ||
	       netns_sh(ns[R1], "ip -batch - <<EOF\n"
		"link add to-r2 index " STR(TB_IF_UNDER) " address " MAC_R1_R2
			" mtu " STR(UNDERLAY_MTU) " type veth peer name to-r1"
			" index " STR(TB_IF_SIDE) " address " MAC_R2_R1
			" mtu " STR(UNDERLAY_MTU) " netns %s\n"
		"link add br0 type bridge forward_delay 0 mcast_snooping 0\n"
		"addr add 192.0.2.2/26 dev to-src\n"
		"addr add 2001:db8:1::2/64 dev to-src nodad\n"
		"addr add 198.51.100.1/26 dev to-r2\n"
		"addr add 2001:db8:12::1/64 dev to-r2 nodad\n"
		"link set to-src up\n"
		"link set to-r2 up\n"
		"link set br0 up\n"
		"neigh add 192.0.2.1 lladdr " MAC_SRC " dev to-src nud permanent\n"
		"neigh add 2001:db8:1::1 lladdr " MAC_SRC " dev to-src nud permanent\n"
		"neigh add 198.51.100.2 lladdr " MAC_R2_R1 " dev to-r2 nud permanent\n"
		"neigh add 2001:db8:12::2 lladdr " MAC_R2_R1 " dev to-r2 nud permanent\n"
		"route add 198.51.100.64/26 via 198.51.100.2\n"
		"route add 2001:db8:23::/64 via 2001:db8:12::2\n"
		"EOF", ns[R2]) ||
	       netns_sh(ns[R2], "ip -batch - <<EOF\n"
		"link add to-r3 index " STR(TB_IF_UNDER) " address " MAC_R2_R3
			" mtu " STR(UNDERLAY_MTU) " type veth peer name to-r2"
			" index " STR(TB_IF_UNDER) " address " MAC_R3_R2
			" mtu " STR(UNDERLAY_MTU) " netns %s\n"
		"link add br0 type bridge forward_delay 0 mcast_snooping 0\n"
		"link set br0 up\n"
		"addr add 198.51.100.2/26 dev to-r1\n"
		"addr add 2001:db8:12::2/64 dev to-r1 nodad\n"
		"addr add 198.51.100.65/26 dev to-r3\n"
		"addr add 2001:db8:23::1/64 dev to-r3 nodad\n"
		"link set to-r1 up\n"
		"link set to-r3 up\n"
		"neigh add 198.51.100.1 lladdr " MAC_R1_R2 " dev to-r1 nud permanent\n"
		"neigh add 2001:db8:12::1 lladdr " MAC_R1_R2 " dev to-r1 nud permanent\n"
		"neigh add 198.51.100.66 lladdr " MAC_R3_R2 " dev to-r3 nud permanent\n"
		"neigh add 2001:db8:23::2 lladdr " MAC_R3_R2 " dev to-r3 nud permanent\n"
		"route add 192.0.2.0/26 via 198.51.100.1\n"
		"route add 2001:db8:1::/64 via 2001:db8:12::1\n"
		"route add 203.0.113.0/26 via 198.51.100.66\n"
		"route add 2001:db8:3::/64 via 2001:db8:23::2\n"
		"EOF", ns[R3]) ||
	       last_hop_up(LAST_VETH, "to-r3") ||
	       netns_sh(ns[R3], "ip -batch - <<EOF\n"
		"link add br0 type bridge forward_delay 0 mcast_snooping 0\n"
		"addr add 198.51.100.66/26 dev to-r2\n"
		"addr add 2001:db8:23::2/64 dev to-r2 nodad\n"
		"link set to-r2 up\n"
		"link set br0 up\n"
		"neigh add 198.51.100.65 lladdr " MAC_R2_R3 " dev to-r2 nud permanent\n"
		"neigh add 2001:db8:23::1 lladdr " MAC_R2_R3 " dev to-r2 nud permanent\n"
		"route add 198.51.100.0/26 via 198.51.100.65\n"
		"route add 2001:db8:12::/64 via 2001:db8:23::1\n"
		"EOF") ? -1 : 0;
}

/* One end of the tunnel, seen from it. */
struct end {
	enum node node;
	const char *end;	/* $END */
	const char *side;	/* device at its own side */
	const char *dev, *under;
	const char *mac, *peer_mac, *under_mac, *under_peer;
	const char *local[2], *remote[2];	/* by family of the underlay */
	const char *tun[2], *peer[2];		/* addresses within the tunnel */
	const char *far[2];			/* the network at the other side */
	const char *via[2];			/* the way there without a tunnel */
	const char *host[2];			/* src or sink */
};

static const struct end ends[] = {
	{ R1, "a", "to-src", TUN_DEV, "to-r2", MAC_R1_TUN, MAC_R3_TUN, MAC_R1_R2, MAC_R3_R2,
	  { "198.51.100.1", "2001:db8:12::1" }, { "198.51.100.66", "2001:db8:23::2" },
	  { "198.51.100.129", "2001:db8:f::1" }, { "198.51.100.130", "2001:db8:f::2" },
	  { "203.0.113.0/26", "2001:db8:3::/64" }, { "198.51.100.2", "2001:db8:12::2" },
	  { "192.0.2.1", "2001:db8:1::1" } },
	{ R3, "b", "to-sink", TUN_DEV, "to-r2", MAC_R3_TUN, MAC_R1_TUN, MAC_R3_R2, MAC_R1_R2,
	  { "198.51.100.66", "2001:db8:23::2" }, { "198.51.100.1", "2001:db8:12::1" },
	  { "198.51.100.130", "2001:db8:f::2" }, { "198.51.100.129", "2001:db8:f::1" },
	  { "192.0.2.0/26", "2001:db8:1::/64" }, { "198.51.100.65", "2001:db8:23::1" },
	  { "203.0.113.2", "2001:db8:3::2" } },
};

/*
 * The ends of a nested tunnel: those around it have devices and addresses of their own
 * (198.18.N/26, 2001:db8:e:N), the next one is over these. All devices of an end share one
 * Ethernet address: GRO of ESP takes a packet from the device it came by, before the VLAN
 * above could tell that it is for this host.
 */
static unsigned int level_of(const struct tunnel *t)
{
	unsigned int level = 0;

	for (; t->under; t = t->under)
		level++;
	return level;
}

static struct end end_of(const struct tunnel *t, size_t which, bool innermost)
{
	static struct {
		char dev[4], tun[2][24], peer[2][24];
	} text[TUNNEL_DEPTH][ARRAY_SIZE(ends)];
	typeof(text[0][0]) *x;
	struct end e = ends[which], outer;
	const unsigned int level = level_of(t);

	x = &text[level][which];
	if (t->under) {
		outer = end_of(t->under, which, false);
		e.under = outer.dev;
		e.under_mac = outer.mac;
		e.under_peer = outer.peer_mac;
		for (int v6 = 0; v6 < 2; v6++) {
			e.local[v6] = outer.tun[v6];
			e.remote[v6] = e.via[v6] = outer.peer[v6];
		}
	}
	if (innermost)
		return e;
	snprintf(x->dev, sizeof(x->dev), "o%u", level);
	snprintf(x->tun[0], sizeof(x->tun[0]), "198.18.%u.%zu", level, 1 + which);
	snprintf(x->peer[0], sizeof(x->peer[0]), "198.18.%u.%zu", level, 2 - which);
	snprintf(x->tun[1], sizeof(x->tun[1]), "2001:db8:e:%u::%zu", level, 1 + which);
	snprintf(x->peer[1], sizeof(x->peer[1]), "2001:db8:e:%u::%zu", level, 2 - which);
	e.dev = x->dev;
	for (int v6 = 0; v6 < 2; v6++) {
		e.tun[v6] = x->tun[v6];
		e.peer[v6] = x->peer[v6];
	}
	return e;
}

/* What a tunnel file is told, and its functions. */
static void put_file(FILE *f, const struct end *e, const struct tunnel *t)
{
	int u = !strcmp(t->underlay, "6");

	fprintf(f, "set -e; DEV=%s UNDER=%s END=%s LOCAL=%s REMOTE=%s MAC=%s PEER=%s\n"
		"FAR4=%s FAR6=%s VIA4=%s VIA6=%s HOST4=%s HOST6=%s SIDE=%s THERE=%s\n"
		"UNDER_MAC=%s UNDER_PEER=%s\n. %s\n",
		e->dev, e->under, e->end, e->local[u], e->remote[u], e->mac, e->peer_mac,
		e->far[0], e->far[1],
		e->via[0], e->via[1], e->host[0], e->host[1], e->side,
		ns[e->node == R1 ? R3 : R1], e->under_mac, e->under_peer, t->path);
}

static void put_transit(FILE *f, const struct tunnel *t)
{
	int u = !strcmp(t->underlay, "6");

	fprintf(f, "set -e; LOCAL=%s REMOTE=%s\n. %s\n", ends[0].local[u], ends[0].remote[u],
		t->path);
}

static char why[256];

const char *net_why(void)
{
	return why;
}

/*
 * Runs what was written to the stream, which is closed. What a file's function says is
 * told if it fails, the first line of it; t is NULL where it may well fail.
 */
static int run_script(enum node n, FILE *f, char **script, const struct tunnel *t)
{
	char said[200];
	int err;

	if (fclose(f) || !*script)
		return -1;
	err = netns_ask(ns[n], said, sizeof(said), "%s", *script);
	free(*script);
	if (!err || !t)
		return err ? -1 : 0;
	if (!*said)
		snprintf(said, sizeof(said), "a command failed, status %d", err);
	snprintf(why, sizeof(why), "in r%d: %s", n, said);
	fprintf(stderr, "# %s: %s\n", t->path, why);
	return -1;
}

static int transit_up(const struct tunnel *t)
{
	char *cmd = NULL;
	size_t size;
	FILE *f;

	if (!strcmp(t->underlay, "eth") &&
	    netns_sh(ns[R2], "ip -batch - <<EOF\n"
		     "link set to-r1 master br0\nlink set to-r3 master br0\nEOF"))
		return -1;
	if (!t->transit)
		return 0;
	f = open_memstream(&cmd, &size);
	put_transit(f, t);
	fprintf(f, "tunnel_transit\n");
	return run_script(R2, f, &cmd, t);
}

static int end_up(const struct tunnel *t, size_t which, bool innermost, bool bridged)
{
	const struct end e = end_of(t, which, innermost);
	bool l2 = !strcmp(t->layer, "l2"), none = !strcmp(t->underlay, "none");
	bool device = tunnel_has_device(t), mac = l2 && strcmp(t->mac, "own");
	int bytes = *t->mtu ? atoi(t->mtu) : mtu->inner;
	char *cmd = NULL;
	size_t size;
	FILE *f;

	if (t->under && end_up(t->under, which, false, false))
		return -1;
	f = open_memstream(&cmd, &size);
	if (!none) {
		put_file(f, &e, t);
		/* the other one is there already */
		if (strcmp(t->underlay, "pair") || e.node == R1)
			fprintf(f, "tunnel_up\n");
	}
	fprintf(f, "ip -batch - <<EOF\n");
	if (device)
		fprintf(f, "link set %s%s%s mtu %d up\n", e.dev, mac ? " address " : "",
			mac ? e.mac : "",
			innermost ? bytes : mtu->underlay - atoi(t->overhead));
	if (bridged)
		fprintf(f, "link set %s master br0\nlink set %s master br0\n", e.dev, e.side);
	for (int v6 = 0; v6 < 2 && !bridged; v6++) {
		if (!tunnel_has(t->carries, v6 ? "6" : "4"))
			continue;
		if (!device) {
			if (!t->route)
				fprintf(f, "route replace %s via %s\n", e.far[v6], e.via[v6]);
			continue;
		}
		fprintf(f, "addr add %s/%s dev %s%s\n", e.tun[v6], v6 ? "64" : "26", e.dev,
			v6 ? " nodad" : "");
		if (l2)
			fprintf(f, "neigh replace %s lladdr %s dev %s nud permanent\n",
				e.peer[v6], e.peer_mac, e.dev);
		if (!innermost || t->route)
			continue;
		fprintf(f, "route replace %s", e.far[v6]);
		if (l2)
			fprintf(f, " via %s", e.peer[v6]);
		fprintf(f, " dev %s\n", e.dev);
	}
	fprintf(f, "EOF\n");
	/*
	 * Linux takes more than a few devices, one calling the next, for a loop: at each
	 * second one the packet waits in an ifb until the stack is unwound. (A qdisc's delay
	 * would not do: who enqueues a packet sends those that are due by then.)
	 */
	if (!innermost && level_of(t) % 2)
		fprintf(f, "ip link add w%1$s type ifb\nip link set w%1$s up\n"
			"tc qdisc replace dev %1$s clsact\n"
			"tc filter add dev %1$s egress matchall "
				"action mirred egress redirect dev w%1$s\n", e.dev);
	if (t->route && !bridged)
		fprintf(f, "tunnel_route\n");
	return run_script(e.node, f, &cmd, t);
}

static const struct tunnel *outermost(const struct tunnel *t)
{
	while (t->under)
		t = t->under;
	return t;
}

int net_tunnel_up(const struct tunnel *t, bool bridged)
{
	*why = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (end_up(t, i, true, bridged))
			return -1;
	return transit_up(outermost(t));
}

int net_tunnel_check(const struct tunnel *t)
{
	*why = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(ends) && t->check; i++) {
		char *cmd = NULL;
		size_t size;
		FILE *f = open_memstream(&cmd, &size);

		put_file(f, &ends[i], t);	/* never a nested one's */
		fprintf(f, "tunnel_check\n");
		if (run_script(ends[i].node, f, &cmd, t))
			return -1;
	}
	return 0;
}

/*
 * Some devices go only when their work queue gets to it. (Asked for by its name, a device
 * that is not there makes the kernel run modprobe.)
 */
static bool device_gone(void *arg)
{
	bool there = false;
	char line[256];

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		int old = net_enter(ends[i].node);
		FILE *f = fopen("/proc/thread-self/net/dev", "r");

		while (f && fgets(line, sizeof(line), f))
			there |= !strncmp(line + strspn(line, " "), TUN_DEV ":",
					  strlen(TUN_DEV ":"));
		if (f)
			fclose(f);
		netns_leave(old);
	}
	return !there;
}

/*
 * Addresses, neighbours and routes of a device go with it. What was never made needs no
 * complaint, and what stays is in the way of the next tunnel, which will complain.
 */
static void end_down(const struct tunnel *t, size_t which, bool innermost)
{
	const struct end e = end_of(t, which, innermost);
	char *cmd = NULL;
	size_t size;
	FILE *f = open_memstream(&cmd, &size);

	fprintf(f, "ip -force -batch - <<EOF\n");
	if (!tunnel_has_device(t))
		fprintf(f, "route del %s\nroute del %s\n", e.far[0], e.far[1]);
	else
		fprintf(f, "%s%s%slink del %s\n", innermost ? "link set " : "",
			innermost ? e.side : "", innermost ? " nomaster\n" : "", e.dev);
	if (!innermost && level_of(t) % 2)
		fprintf(f, "link del w%s\n", e.dev);
	fprintf(f, "EOF\n");
	if (t->down) {
		put_file(f, &e, t);
		/* a nested one has it also if only those around it do */
		fprintf(f, "set +e; ! type tunnel_down >/dev/null 2>&1 || tunnel_down\n");
	}
	run_script(e.node, f, &cmd, NULL);
	if (t->under)
		end_down(t->under, which, false);
}

void net_tunnel_down(const struct tunnel *t)
{
	const struct tunnel *outer = outermost(t);

	*why = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		end_down(t, i, true);
	if (outer->transit && outer->down) {
		char *cmd = NULL;
		size_t size;
		FILE *f = open_memstream(&cmd, &size);

		put_transit(f, outer);
		fprintf(f, "tunnel_down\n");
		run_script(R2, f, &cmd, NULL);
	}
	if (!strcmp(outer->underlay, "eth")) {
		netns_try(ns[R2], "ip -batch - <<EOF\n"
			  "link set to-r1 nomaster\nlink set to-r3 nomaster\nEOF");
		/* a device whose address was another one for a while has forgotten them */
		for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
			netns_try(ns[ends[i].node], "ip -batch - <<EOF\n"
				  "neigh replace %1$s lladdr %3$s dev to-r2 nud permanent\n"
				  "neigh replace %2$s lladdr %3$s dev to-r2 nud permanent\nEOF",
				  ends[i].via[0], ends[i].via[1],
				  ends[i].node == R1 ? MAC_R2_R1 : MAC_R2_R3);
	}
	if (t->down)
		wait_for(device_gone, NULL, 2);
}

/* ---- other ways the row can be ---- */

int net_last_hop(bool netkit)
{
	if (netns_sh(ns[R3], "ip link del to-sink"))
		return -1;
	if (!netkit)
		return last_hop_up(LAST_VETH, "to-r3");
	/*
	 * The peer's name is the kernel's choice: iproute2 of Debian 12 does not know netkit.
	 * Its devices have no address, nobody is to be reached by one.
	 */
	return last_hop_up("index " STR(TB_IF_SIDE) " type netkit", "nk0") ?:
	       netns_sh(ns[R3], "ip neigh flush dev to-sink nud permanent") ?:
	       netns_sh(ns[SINK], "ip neigh flush dev to-r3 nud permanent");
}

int net_last_route(const char *encap)
{
	if (encap)
		return netns_sh(ns[R3], "ip -batch - <<EOF\n"
				"route replace 203.0.113.2/32 dev to-sink encap bpf %s\n"
				"route replace 2001:db8:3::2/128 dev to-sink encap bpf %s\n"
				"EOF", encap, encap);
	return netns_try(ns[R3], "ip -force -batch - <<EOF\n"
			 "route del 203.0.113.2/32\nroute del 2001:db8:3::2/128\nEOF");
}

int net_jumbo(bool on)
{
	static const struct {
		enum node node;
		const char *dev;
		bool underlay;
	} devs[] = {
		{ SRC, "to-r1" }, { R1, "to-src" },
		{ R1, "to-r2", true }, { R2, "to-r1", true },
		{ R2, "to-r3", true }, { R3, "to-r2", true },
		{ R3, "to-sink" }, { SINK, "to-r3" },
	};

	mtu = &mtus[on];
	for (size_t i = 0; i < ARRAY_SIZE(devs); i++)
		if (netns_sh(ns[devs[i].node], "ip link set %s mtu %d", devs[i].dev,
			     devs[i].underlay ? mtu->underlay : mtu->inner))
			return -1;
	/*
	 * Seven of 8192 bytes are what the window in a SYN takes; the eighth would be sent in
	 * two parts, and both be counted where nothing keeps GRO from merging them.
	 */
	return netns_sh(ns[SRC], "ip -batch - <<EOF\n"
			"route replace default via 192.0.2.2 initcwnd %1$d\n"
			"route replace default via 2001:db8:1::2 initcwnd %1$d\n"
			"EOF", on ? 7 : 64);
}

int net_lossy(bool on)
{
	for (size_t i = 0; i < ARRAY_SIZE(tcp_sysctls); i++)
		for (enum node n = SRC; n <= R1 && tcp_sysctls[i].lossy; n++)
			if (netns_sysctl(ns[n], tcp_sysctls[i].path,
					 on ? tcp_sysctls[i].lossy : tcp_sysctls[i].value))
				return -1;
	return 0;
}

int net_disturb(bool on)
{
	if (!on)
		return netns_try(ns[R1], "tc qdisc del dev to-r2 root");
	return netns_sh(ns[R1], "tc qdisc add dev to-r2 root netem limit 10000 delay 3ms 2ms "
			"loss 8%% duplicate 5%% reorder 50%%");
}

void net_forget_mtu(void)
{
	for (enum node n = SRC; n <= R1; n++)
		netns_try(ns[n], "ip route flush cache; ip -6 route flush cache");
}

/* ---- features ---- */

static int ethtool(int fd, const char *dev, void *cmd)
{
	struct ifreq ifr = { .ifr_data = cmd };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev);
	return ioctl(fd, SIOCETHTOOL, &ifr);
}

/* The names are the same for all devices of a kernel: asked for once. */
static int feature_bit(int fd, const char *dev, const char *feature)
{
	static struct ethtool_gstrings *names;

	if (!names) {
		struct {
			struct ethtool_sset_info info;
			__u32 len;
		} sset = { { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES } };

		if (ethtool(fd, dev, &sset))
			return -1;
		names = calloc(1, sizeof(*names) + sset.len * ETH_GSTRING_LEN);
		if (!names)
			return -1;
		names->cmd = ETHTOOL_GSTRINGS;
		names->string_set = ETH_SS_FEATURES;
		names->len = sset.len;
		if (ethtool(fd, dev, names)) {
			free(names);
			names = NULL;
			return -1;
		}
	}
	for (unsigned int i = 0; i < names->len; i++)
		if (!strncmp((char *)names->data + i * ETH_GSTRING_LEN, feature,
			     ETH_GSTRING_LEN))
			return i;
	errno = ENOENT;
	return -1;
}

int net_feature(enum node n, const char *dev, const char *feature, bool on)
{
	struct {
		struct ethtool_sfeatures head;
		struct ethtool_set_features_block block[4];
	} set = { { .cmd = ETHTOOL_SFEATURES } };
	int fd, bit, err = -1, old = net_enter(n);

	if (old < 0)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bit = feature_bit(fd, dev, feature);
	if (bit >= 0) {
		/* the kernel wants as many blocks as it has, not fewer, not more */
		struct {
			struct ethtool_gfeatures head;
			struct ethtool_get_features_block block[4];
		} get = { { .cmd = ETHTOOL_GFEATURES, .size = 4 } };

		if (!ethtool(fd, dev, &get) && bit < 32 * (int)get.head.size) {
			set.head.size = get.head.size;
			set.block[bit / 32].valid = 1u << bit % 32;
			set.block[bit / 32].requested = on ? 1u << bit % 32 : 0;
			/* > 0: something else changed with it, or it was refused; both show */
			err = ethtool(fd, dev, &set) < 0 ? -1 : 0;
		}
	}
	if (err)
		fprintf(stderr, "# %s: %s: feature %s: %s\n", ns[n], dev, feature,
			strerror(errno));
	close(fd);
	netns_leave(old);
	return err;
}

/* ---- taps ---- */

#define TAP_BUFFER	(64 << 20)	/* what one run of traffic passes by, several times */

static const enum node tapped[] = { R1, R2, R3 };
static int tap[ARRAY_SIZE(tapped)];

int net_taps_open(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(tapped); i++) {
		int old = net_enter(tapped[i]), size = TAP_BUFFER, err;

		if (old < 0)
			return -1;
		tap[i] = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
				htons(ETH_P_ALL));
		err = tap[i] < 0 ||
		      setsockopt(tap[i], SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
		if (err)
			fprintf(stderr, "# %s: packet socket: %s\n", ns[tapped[i]],
				strerror(errno));
		netns_leave(old);
		if (err)
			return -1;
	}
	return 0;
}

unsigned long net_taps_drain(void)
{
	unsigned long n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tap); i++)
		while (tap[i] > 0 && recv(tap[i], NULL, 0, MSG_TRUNC) >= 0)
			n++;
	return n;
}

void net_taps_close(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(tap); i++) {
		if (tap[i] > 0)
			close(tap[i]);
		tap[i] = 0;
	}
}

/* ---- captures, in the form that tcpdump reads: "Linux cooked v2", whatever the device ---- */

#define LINKTYPE_SLL2	276
#define CAPTURED_MAX	64	/* packets a node */

static const enum node captured[] = { R1, R3 };
static int capture[ARRAY_SIZE(captured)];

int net_capture(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(captured); i++) {
		int old = net_enter(captured[i]), size = TAP_BUFFER;

		if (old < 0)
			return -1;
		capture[i] = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				    htons(ETH_P_ALL));
		netns_leave(old);
		if (capture[i] < 0)
			return -1;
		setsockopt(capture[i], SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	}
	return 0;
}

static void put_packets(FILE *f, int fd)
{
	const struct {
		__u32 magic;
		__u16 major, minor;
		__u32 zone, digits, longest, link;
	} head = { 0xa1b2c3d4, 2, 4, 0, 0, 65535, LINKTYPE_SLL2 };
	static char buf[65536];
	struct sockaddr_ll ll;
	ssize_t n;

	fwrite(&head, sizeof(head), 1, f);
	for (int nr = 0; nr < CAPTURED_MAX; nr++) {
		struct {
			__u32 sec, usec, captured, len;
			__be16 proto, none;
			__be32 index;
			__be16 type;
			__u8 what, addr_len, addr[8];
		} r = { 0 };
		socklen_t len = sizeof(ll);
		struct timeval at = { 0 };

		n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&ll, &len);
		if (n < 0)
			return;
		ioctl(fd, SIOCGSTAMP, &at);
		r.sec = at.tv_sec;
		r.usec = at.tv_usec;
		r.captured = r.len = n + sizeof(r) - 16;
		r.proto = ll.sll_protocol;
		r.index = htonl(ll.sll_ifindex);
		r.type = htons(ll.sll_hatype);
		r.what = ll.sll_pkttype;
		r.addr_len = ll.sll_halen;
		memcpy(r.addr, ll.sll_addr, sizeof(r.addr));
		fwrite(&r, sizeof(r), 1, f);
		fwrite(buf, n, 1, f);
	}
}

void net_capture_end(FILE *out, const char *prefix)
{
	for (size_t i = 0; i < ARRAY_SIZE(captured); i++) {
		char path[512];
		FILE *f;

		if (capture[i] <= 0)
			continue;
		snprintf(path, sizeof(path), "%s.r%d.pcap", prefix, captured[i]);
		f = fopen(path, "we");
		if (f) {
			put_packets(f, capture[i]);
			fclose(f);
		}
		fprintf(out, "  what passed r%d when it was sent once more: %s\n", captured[i],
			f ? path : strerror(errno));
		close(capture[i]);
		capture[i] = 0;
	}
}

void net_show(FILE *out)
{
	char cmd[256], line[512];
	FILE *p;

	for (int n = 0; n < NODES; n++) {
		snprintf(cmd, sizeof(cmd), "ip -n %s -s -d link show up 2>&1", ns[n]);
		p = popen(cmd, "r");
		if (!p)
			continue;
		fprintf(out, "%s:\n", ns[n]);
		while (fgets(line, sizeof(line), p))
			fprintf(out, "  %s", line);
		pclose(p);
	}
}

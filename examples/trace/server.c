// SPDX-License-Identifier: GPL-2.0
/* server ADDRESS PORT: sends back what it gets; knows nothing of traces. */
#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int listener, client, on = 1;
	char buf[4096];
	ssize_t n;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1)
		errx(2, "usage: server ADDRESS PORT");
	at.sin_port = htons(atoi(argv[2]));
	signal(SIGCHLD, SIG_IGN);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(listener, 128))
		err(1, "listen at %s port %s", argv[1], argv[2]);
	while ((client = accept(listener, NULL, NULL)) >= 0) {
		if (fork()) {
			close(client);
			continue;
		}
		while ((n = read(client, buf, sizeof(buf))) > 0)
			if (send(client, buf, n, MSG_NOSIGNAL) != n)
				break;
		return 0;
	}
	err(1, "accept");
}

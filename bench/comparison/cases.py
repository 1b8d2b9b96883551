"""What is measured: one row a case."""
import dataclasses

# About 400 bytes, as a browser sends them.
BROWSER_HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br",
    "Cookie": "session=3f8a1c0e9b7d4f62a5e1; theme=dark; consent=1",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
}


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    what: str
    path: str
    size: int  # of the answer's body, in bytes
    connections: int = 64
    post_size: int = 0
    keep_alive: bool = True
    access_log: bool = False
    backends: int = 1
    rate: int = 0  # requests a second, due at fixed times; 0: as fast as it goes
    tls: bool = False  # clients speak TLS to the proxy
    handshake: str = ""  # each request needs one: "full", or "resumed" with the session of the connection before
    layer4: bool = False  # the proxy passes bytes on, whatever they mean
    datagrams: str = ""  # `size` octets each, and one back for each; what the server of `stream` says about their sessions

    def for_floor(self):
        """Whether a relay of bytes without any bound does this case."""
        return (not self.handshake and not self.rate and not self.datagrams and self.backends == 1
                and max(self.size, self.post_size) <= 10240)


CASES = [
    Case("get128", "GET 128 B, keep-alive, 64 clients", "/128", 128),
    Case("get128-512c", "the same with 512 clients", "/128", 128, connections=512),
    Case("get10k", "GET 10 KiB", "/10k", 10240),
    Case("get1m", "GET 1 MiB", "/1m", 1 << 20),
    Case("post10k", "POST 10 KiB, answer 128 B", "/128", 128, post_size=10240),
    Case("chunked10k", "GET 10 KiB, chunked by the backend", "/chunked10k", 10240),
    Case("conn-per-request", "GET 128 B, a client connection for each request", "/128", 128, keep_alive=False),
    Case("access-log", "GET 128 B with an access log", "/128", 128, access_log=True),
    Case("upstreams200", "GET 128 B, 200 backends, least connections", "/128", 128, backends=200),
    Case("steady", "GET 128 B, 5,000 requests/s at fixed times, for latency", "/128", 128, rate=5000),
    Case("tcp128", "stream: GET 128 B, keep-alive", "/128", 128, layer4=True),
    Case("tcp1m", "stream: GET 1 MiB", "/1m", 1 << 20, layer4=True),
    Case("udp64", "stream: datagrams of 64 B, 64 clients with a session each", "", 64, layer4=True, datagrams="proxy_timeout 1m;"),
    Case("udp1200", "the same of 1200 B", "", 1200, layer4=True, datagrams="proxy_timeout 1m;"),
    Case("udp64-192c", "64 B with 192 clients", "", 64, connections=192, layer4=True, datagrams="proxy_timeout 1m;"),
    Case("udp-query", "64 B, a session for each, as of DNS", "", 64, layer4=True,
         datagrams="proxy_responses 1; proxy_timeout 1m;"),
    Case("tls128", "TLS: GET 128 B, keep-alive", "/128", 128, tls=True),
    Case("tls1m", "TLS: GET 1 MiB", "/1m", 1 << 20, tls=True),
    Case("handshakes", "TLS: GET 128 B, a full handshake for each, 8 clients", "/128", 128, connections=8, tls=True,
         keep_alive=False, handshake="full"),
    Case("resumed", "TLS: GET 128 B, a handshake resumed by ticket for each, 8 clients", "/128", 128, connections=8, tls=True,
         keep_alive=False, handshake="resumed"),
]
QUICK = ["get128", "get10k", "get1m"]


def usual(quick, every):
    """The names of the cases that are run if none is asked for."""
    if quick:
        return QUICK
    return [case.name for case in CASES if every or not case.tls and not case.layer4]


def find_cases(names):
    """The cases of these names, in the order of the table. Raises ValueError for an unknown one."""
    known = [case.name for case in CASES]
    for name in names:
        if name not in known:
            raise ValueError(f"no case {name!r}; there are: {', '.join(known)}")
    return [case for case in CASES if case.name in names]

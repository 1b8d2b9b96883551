"""The configurations: one text for nginx and Weir, one for HAProxy doing the same, each tuned as its makers advise."""
import os


def backend_addresses(case, port):
    return [f"127.1.0.{i + 1}:{port}" for i in range(case.backends)]


def nginx_text(case, folder, port, backend_port, with_temp_paths, load_stream, workers=1):
    """`with_temp_paths`: say where nginx may put temporary files; without root its built-in places are out of reach.
    `load_stream`: Debian's nginx has `stream` in a module of its own."""
    servers = "\n".join(f"        server {address};" for address in backend_addresses(case, backend_port))
    temp = "".join(f"    {name}_temp_path {folder}/{name};\n"
                   for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")) if with_temp_paths else ""
    log = f"{folder}/access.log combined" if case.access_log else "off"
    user = "user root;\n" if os.geteuid() == 0 else ""
    module = "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n" if load_stream else ""
    head = f"""{user}{module}worker_processes {workers};
worker_rlimit_nofile 16384;
daemon off;
pid {folder}/proxy.pid;
error_log {folder}/error.log warn;
events {{
    worker_connections 8192;
}}
"""
    if case.datagrams:
        return head + f"""stream {{
    upstream backend {{
{servers}
    }}
    server {{
        listen 127.0.0.1:{port} udp;
        proxy_pass backend;
        {case.datagrams}
    }}
    # Whoever starts the proxy looks here whether it serves.
    server {{
        listen 127.0.0.1:{port};
        return ready;
    }}
}}
"""
    if case.layer4:
        return head + f"""stream {{
    upstream backend {{
        least_conn;
{servers}
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        proxy_pass backend;
        proxy_buffer_size 64k;
        tcp_nodelay on;
    }}
}}
"""
    tls = f"""        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_protocols TLSv1.3;
""" if case.tls else ""
    return head + f"""http {{
    access_log {log};
{temp}    keepalive_requests 100000000;
    keepalive_timeout 60s;
    tcp_nodelay on;
    client_body_buffer_size 64k;
    upstream backend {{
        least_conn;
{servers}
        keepalive 1024;
        keepalive_requests 100000000;
        keepalive_timeout 60s;
    }}
    server {{
        listen 127.0.0.1:{port}{" ssl" if case.tls else ""} backlog=4096;
{tls}        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_buffer_size 16k;
            proxy_buffers 16 16k;
            proxy_busy_buffers_size 64k;
            proxy_max_temp_file_size 0;
        }}
    }}
}}
"""


def haproxy_text(case, port, backend_port, with_splice, folder):
    """`with_splice`: let the kernel move large answers, as HAProxy's manual offers; it more than halves their cost."""
    servers = "\n".join(f"    server s{number} {address}"
                        for number, address in enumerate(backend_addresses(case, backend_port)))
    # To a file, a write a line, as nginx's access log.
    log_target = "    log stdout format raw local0 info\n" if case.access_log else ""
    log = "    log global\n    option httplog\n" if case.access_log else ""
    splice = "    option splice-response\n" if with_splice else ""
    if case.layer4:
        return f"""global
    nbthread 1
    maxconn 6000
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
{splice}frontend clients
    bind 127.0.0.1:{port} backlog 4096
    default_backend backends
backend backends
    balance leastconn
{servers}
"""
    tls = f" ssl crt {folder}/both.pem ssl-min-ver TLSv1.3" if case.tls else ""
    return f"""global
    nbthread 1
    maxconn 6000
{log_target}defaults
    mode http
{log}    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
    option http-keep-alive
    option forwardfor
    http-reuse always
{splice}frontend clients
    bind 127.0.0.1:{port}{tls} backlog 4096
    http-request set-header X-Real-IP %[src]
    http-request set-header X-Forwarded-Proto {"https" if case.tls else "http"}
    default_backend backends
backend backends
    balance leastconn
{servers}
"""

// What is compared. The numbers are those of common shapes of configurations; what has a name instead is a rule of
// nginx's that such configurations count on.
#include "nginx/comparison.h"

namespace weir::test {

namespace {

const std::string kChunkedBody = "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
const std::string kChunked = "Transfer-Encoding: chunked\r\n";

const std::vector<Shape> kShapes = {
    {"S1OneBackend", R"(
        server { location / { proxy_pass http://%app%;
          proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr;
          proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme; } })",
     {get("/"), get("/a/b?c=d&e"), get("/%2e%2e/x%20y/../z"), get("//double//slash"), get("/a", "X-Forwarded-For: 1.2.3.4\r\n"),
      get("/a", "X-Real-IP: 6.6.6.6\r\nX-Other: one\r\nX-Other: two\r\n"), ask("HEAD /x"), ask("DELETE /x"),
      ask("POST /form?x", "Content-Type: text/x\r\n", "a=b"), ask("POST /chunked", kChunked, kChunkedBody.substr(0, 0)) + kChunkedBody,
      get("/teapot", "X-Answer: 418|X-A: b|body=short and stout\r\n"),
      get("/chunks", "X-Answer: 200|chunked|body=in pieces\r\n"), get("/nobody", "X-Answer: 204\r\n"),
      get("/unchanged", "X-Answer: 304|ETag: \"x\"\r\n"), get("/hop", "TE: trailers\r\nKeep-Alive: 5\r\n"),
      get("/dup", "X-Answer: 200|Set-Cookie: a=1|Set-Cookie: b=2|Server: own|Date: never\r\n"),
      get("/accel", "X-Answer: 200|X-Accel-Expires: 5|X-Pad: x|X-Accel-Buffering: no\r\n")}},

    {"S2SinglePageAndApi", R"(
        server { root %dir%/site; index index.html;
          location / { try_files $uri $uri/ /index.html; }
          location /api/ { proxy_pass http://%api%/; }
          location /v2/ { proxy_pass http://%api%/version/two/; }
          location = /exact { proxy_pass http://%api%/other?fixed=1; }
          location ~* \.(css|js)$ { expires 30d; add_header X-Asset yes; }
          location ~* \.map$ { expires off; } })",
     {get("/"), get("/deep/link?x=1"), get("/app.css"), get("/missing.css"), get("/folder"), get("/folder/"), get("/api/users?id=1"),
      get("/api"), get("/api/../app.css"), get("/api/a%2Fb%20c?d=%20"), get("/v2/x"), get("/v2/"), get("/exact"), get("/exact?a=b"),
      get("/x.map"), get("/app.css", "If-Modified-Since: Thu, 01 Jan 2037 00:00:00 GMT\r\n"), get("/app.css", "Range: bytes=1-3\r\n"),
      get("/app.css", "Range: bytes=100-\r\n"), get("/app.css", "If-None-Match: *\r\n"), ask("HEAD /app.css"),
      ask("POST /app.css", "", "x"), ask("DELETE /")},
     {{"site/index.html", "the page"}, {"site/app.css", "body {}"}, {"site/x.map", "{}"}, {"site/folder/index.html", "inside"}}},

    {"S3ChallengeAndRedirect", R"(
        server {
          location /.well-known/acme-challenge/ { root %dir%/acme; default_type text/plain; }
          location / { return 301 https://$host$request_uri; } })",
     {get("/.well-known/acme-challenge/token"), get("/.well-known/acme-challenge/none"), get("/any/path?with=query&more"),
      get("/%41%2f?q=%20"), ask("POST /x", "", "body")},
     {{"acme/.well-known/acme-challenge/token", "token.key"}}},

    {"S5WebSocket", R"(
        map $http_upgrade $connection_upgrade { default upgrade; '' close; }
        server { location / { proxy_pass http://%app%; proxy_http_version 1.1; proxy_read_timeout 1d;
          proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; } })",
     {"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Answer: 101\r\n\r\n", get("/plain")}},

    {"S6KeptBackends", R"(
        upstream group { server %app%; keepalive 8; }
        server { location / { proxy_pass http://group; proxy_http_version 1.1; proxy_set_header Connection "";
                 proxy_set_header X-Empty ""; } })",
     {get("/one"), get("/two", "X-Empty: full\r\nConnection: x\r\n"), get("/three?")}},

    {"S7Precedence", R"(
        upstream app { server %app%; } upstream api { server %api%; } upstream spare { server %spare%; }
        server {
          location / { proxy_pass http://app; }
          location ~ ^/api/\d+/store/ { proxy_pass http://api; }
          location ^~ /api/0/ { proxy_pass http://spare; }
          location /api/ { proxy_pass http://app; location /api/in/ { proxy_pass http://spare/inner/; }
                           location ~ \.php$ { proxy_pass http://api; } }
          location = /api/ { proxy_pass http://spare; }
          location ~* \.PNG$ { proxy_pass http://api; }
          location ~ \.png$ { proxy_pass http://spare; } })",
     {get("/x"), get("/api/"), get("/api/1"), get("/api/12/store/"), get("/api/0/x/../1/store/"), get("/api/0/1/store/"),
      get("/api/in/x"), get("/api/in/x.php"), get("/api/a.php"), get("/a.png"), get("/API/"), get("/api/0")}},

    {"S8BlueGreen", R"(
        upstream colours { server %dead% max_fails=0; server %app% backup; }
        server { location / { proxy_pass http://colours; proxy_next_upstream error timeout http_502 http_503;
                 proxy_next_upstream_tries 2; proxy_connect_timeout 1s; proxy_read_timeout 1s; } })",
     {get("/x"), ask("POST /y", "", "body"), get("/z", "X-Answer: 503|body=sorry\r\n")}},

    {"S10TargetsFromVariables", R"(
        server {
          resolver %dns% valid=30s ipv6=on; resolver_timeout 4s; set $upstream_port %app_port%; set $upstream_proto http;
          location /dns/ { set $upstream_app app.test; proxy_pass $upstream_proto://$upstream_app:$upstream_port; }
          location /plain/ { set $to %app%; proxy_pass http://$to; }
          location /uri/ { set $to %app%; proxy_pass http://$to/fixed/; }
          location /raw/ { set $to %app%; proxy_pass http://$to$request_uri; }
          location /named { proxy_pass http://$arg_group; }
          location ~ ^/re/(?<rest>.*)$ { set $to %app%; proxy_pass http://$to/$rest$is_args$args; } }
        upstream group { server %api%; })",
     {get("/dns/a%20b?c"), get("/dns/again"), get("/plain/a%20b?c"), get("/uri/a?b"), get("/raw/a%2fb/../c?d"), get("/named?group=group"), get("/re/a%20b?x=y"), get("/re/?")}},

    {"S14BehindAnotherProxy", R"(
        set_real_ip_from 10.0.0.0/8; set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;
        map $http_x_forwarded_proto $proto { default http; https https; }
        server {
          location / { proxy_pass http://%app%; proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Proto $proto;
                       proxy_set_header X-Peer $realip_remote_addr; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }
          location /recursive { real_ip_recursive on; proxy_pass http://%app%; proxy_set_header X-Real-IP $remote_addr; }
          location /own { real_ip_header X-Client; proxy_pass http://%app%; proxy_set_header X-Real-IP $remote_addr; }
          location /never { set_real_ip_from 192.0.2.1; proxy_pass http://%app%; proxy_set_header X-Real-IP $remote_addr; }
          location /allowed { allow 1.2.3.4; deny all; proxy_pass http://%app%; } })",
     {get("/", "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n"), get("/"), get("/", "X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n"),
      get("/", "X-Forwarded-For: rubbish\r\n"), get("/", "X-Forwarded-For: 1.1.1.1:555\r\n"), get("/", "X-Forwarded-For: ::1\r\n"),
      get("/recursive", "X-Forwarded-For: 9.9.9.9, 1.1.1.1, 10.0.0.1\r\n"), get("/recursive", "X-Forwarded-For: 10.0.0.1\r\n"),
      get("/recursive", "X-Forwarded-For: 1.1.1.1, what, 10.0.0.1\r\n"), get("/own", "X-Client: 3.3.3.3\r\n"),
      get("/never", "X-Forwarded-For: 1.2.3.4\r\n"), get("/allowed", "X-Forwarded-For: 1.2.3.4\r\n"), get("/allowed")}},

    {"S15Uploads", R"(
        server { client_max_body_size 0; chunked_transfer_encoding on;
          location / { proxy_pass http://%app%; proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off;
                       proxy_read_timeout 900s; proxy_send_timeout 900s; }
          location /small { client_max_body_size 4; proxy_pass http://%app%; }
          location /kept { proxy_pass http://%app%; proxy_http_version 1.1; } })",
     {ask("PUT /v2/blob", "", std::string(20'000, 'x')), ask("PATCH /v2/blob", kChunked) + kChunkedBody, ask("POST /small", "", "12345"),
      ask("POST /small", "", "1234"), ask("POST /kept", kChunked) + kChunkedBody,
      ask("POST /empty", "Content-Length: 0\r\n"), ask("PUT /expect", "Expect: 100-continue\r\n", "x")}},

    {"S18Errors", R"(
        server { root %dir%; error_page 500 502 503 504 /50x.html; error_page 404 =200 /empty; error_page 403 http://other/;
          location = /50x.html { root %dir%/pages; internal; }
          location = /empty { return 200 "nothing"; }
          location /dead { proxy_pass http://%dead%; }
          location /kept { proxy_pass http://%app%; }
          location /caught { proxy_pass http://%app%; proxy_intercept_errors on; }
          location /named { error_page 502 = @fallback; proxy_pass http://%dead%; }
          location @fallback { proxy_pass http://%spare%; }
          location /code { error_page 418 =503 /50x.html; return 418; }
          location /same { error_page 418 = /kept; return 418; }
          location /forbidden { deny all; }
          location /twice { error_page 404 /missing-too; }
          location /loop { error_page 404 /loop; recursive_error_pages on; }
          location /flag { if (-f %dir%/maintenance) { return 503; } proxy_pass http://%app%; }
          location /noflag { if (!-f %dir%/none) { return 503; } return 200; } })",
     {get("/dead"), ask("POST /dead", "", "body"), ask("HEAD /dead"), get("/kept", "X-Answer: 503|body=own\r\n"),
      get("/caught", "X-Answer: 503|body=own\r\n"), get("/caught", "X-Answer: 404|X-A: b|body=own\r\n"), get("/caught", "X-Answer: 401|WWW-Authenticate: Basic|body=own\r\n"),
      get("/named?x=y"), ask("POST /named", "", "body"), get("/code"), get("/same"), ask("POST /same", "", "x"), get("/forbidden"),
      get("/twice"), get("/loop"), get("/flag"), get("/noflag"), get("/50x.html"), get("/nowhere")},
     {{"pages/50x.html", "sorry"}, {"maintenance", ""}}},

    {"S19Rewrites", R"(
        map $uri $moved { default ""; ~^/old/(?<page>[^/]+)$ /new/$page; /gone /; }
        server {
          if ($moved) { return 301 $moved; }
          rewrite ^/everywhere/(.*)$ /x/$1 last;
          location /x/ { rewrite ^/x/(.*) /y/$1 break; proxy_pass http://%app%; }
          location /chain/ { rewrite ^/chain/(.*)$ /x/$1?added=1 last; }
          location /drop/ { rewrite ^/drop/(.*)$ /x/$1? last; }
          location /perm/ { rewrite ^/perm/(?<what>.*)$ /to/$what permanent; }
          location /temp/ { rewrite ^/temp/(.*)$ /to/$1?a=b redirect; }
          location /abs/ { rewrite ^/abs/(.*)$ http://elsewhere/$1; }
          location /none/ { rewrite ^/none/(.*)$ /x/$1; rewrite ^/x/(.*)$ /chain/$1; }
          location /uri/ { rewrite ^/uri/(.*)$ /y/$1 break; proxy_pass http://%app%/base/; }
          location /cors { if ($request_method = OPTIONS) { add_header X-Methods "GET, PUT"; add_header Content-Length 0; return 204; }
                           add_header X-Origin $http_origin; proxy_pass http://%app%; }
          location /cond { if ($arg_a = b) { return 201 "equal"; } if ($arg_a != c) { set $r "not c"; }
                           if ($http_x_test ~* "^(te)(st)?$") { set $r "$1-$2"; } return 200 "[$r]"; }
          location /set { set $a "x$arg_v"; set $b "${a}y"; return 200 "$b $arg_none."; }
          location /break { set $v 1; break; return 403; }
          location /type { default_type text/plain; return 200 "t"; }
          location /loop { rewrite ^ /loop last; }
          location ~ ^/(?<first>[a-c]+)/(?<second>\d+)$ { return 200 "$first-$second-$1-$2"; } })",
     {get("/old/page?q"), get("/gone"), get("/x/a%20b?c=d"), get("/everywhere/z"), get("/chain/1?x=y"), get("/drop/1?x=y"),
      get("/perm/a%20b%3f?q=1"), get("/temp/z?c=d"), get("/abs/1?2"), get("/none/1"), get("/uri/1?2"), ask("OPTIONS /cors"),
      get("/cors", "Origin: here\r\n"), get("/cond?a=b"), get("/cond?a=c"), get("/cond", "X-Test: TEST\r\n"), get("/cond", "X-Test: te\r\n"),
      get("/set?v=%20z"), get("/break"), get("/type"), get("/loop"), get("/abc/12"), get("/abc/12/"), get("/abc/x")}},

    {"S20CatchAll", R"(
        include %dir%/conf.d/*.conf;
        server { listen %listen% default_server; server_name _; return 444; }
        server { listen %listen%; server_name example.com *.example.org www.site.* ~^(?<user>\w+)\.dyn\.net$; return 200 "$server_name [$user]"; }
        server { listen %listen%; server_name .both.net ""; return 200 "both $host"; })",
     {get("/"), "GET / HTTP/1.1\r\nHost: unknown\r\nConnection: close\r\n\r\n", "GET / HTTP/1.1\r\nHost: A.Example.ORG\r\nConnection: close\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: www.site.co.uk:8080\r\nConnection: close\r\n\r\n", "GET / HTTP/1.1\r\nHost: joe.dyn.net\r\nConnection: close\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: both.net.\r\nConnection: close\r\n\r\n", "GET / HTTP/1.1\r\nHost: x.both.net\r\nConnection: close\r\n\r\n",
      "GET / HTTP/1.0\r\n\r\n", "GET http://joe.dyn.net/ HTTP/1.1\r\nHost: joe.dyn.net\r\nConnection: close\r\n\r\n"}},

    {"UriReplacement", R"(
        server {
          location /a/ { proxy_pass http://%app%/; } location /b { proxy_pass http://%app%/; } location /c/ { proxy_pass http://%app%; }
          location /d/ { proxy_pass http://%app%/x; } location ~ ^/e { proxy_pass http://%app%; }
          location = /f { proxy_pass http://%app%/g; }
          location /h/ { location /h/i/ { proxy_pass http://%app%/j/; } proxy_pass http://%app%/k/; }
          location /m/ { rewrite ^ /n/o break; proxy_pass http://%app%/p/; }
          location /q/ { try_files /none @r; } location @r { proxy_pass http://%app%; }
          location /s/ { limit_except GET { deny all; } proxy_pass http://%app%/t/; }
          location /u/ { if ($arg_u) { set $v 1; } proxy_pass http://%app%/v/; } })",
     {get("/a/x%20y?z"), get("/a"), get("/a?q"), get("/b"), get("/bc/d"), get("/c/%7Ex/./y"), get("/d/y"), get("/e%20f"), get("/f?1"), get("/h/i/x"),
      get("/h/x"), get("/m/x?y"), get("/q/%41b?c"), get("/s/x"), ask("POST /s/x", "", "y"), get("/u/x?u=1"), get("/u/x"),
      get("/a/%3Fx%23"), get("/a//b///c"), get("/a/../c/x"), get("/c/..%2fx"), get("/c/%"), get("/c/%zz"), get("/%2e%2e/%2e%2e/x"), get("/../x"), get("/c/%00")}},

    {"Redirections", R"(
        server { root %dir%;
          location /rel { absolute_redirect off; return 302 /to?x=$arg_x; }
          location /abs { return 302 /to; } location /noport { port_in_redirect off; return 301 /to; }
          location /named { server_name_in_redirect on; return 307 /to; } server_name first.name second;
          location /url { return 308 http://other:99/x; } location /text { return 303 "where"; } location /only { return http://u/; }
          location /dir/ { alias %dir%/folder/; }
          location /back/ { proxy_pass http://%app%/base/; }
          location /back-off/ { proxy_pass http://%app%/base/; proxy_redirect off; }
          location /back-own/ { proxy_pass http://%app%; proxy_redirect http://x/ /y/; proxy_redirect ~^http://z(\d)/(.*)$ http://zz/$2/$1; } })",
     {get("/rel?x=1"), get("/abs"), get("/noport"), get("/named"), get("/url"), get("/text"), get("/only"), get("/folder"), get("/folder?q=1"),
      get("/dir/sub"), "GET /abs HTTP/1.0\r\n\r\n",
      get("/back/x", "X-Answer: 302|Location: http://%app%/base/y?z\r\n"), get("/back/x", "X-Answer: 302|Location: /base/y\r\n"),
      get("/back/x", "X-Answer: 201|Location: http://other/\r\n"), get("/back/x", "X-Answer: 200|Refresh: 0; url=http://%app%/base/y\r\n"),
      get("/back-off/x", "X-Answer: 302|Location: http://%app%/base/y\r\n"), get("/back-own/x", "X-Answer: 302|Location: http://x/1\r\n"),
      get("/back-own/x", "X-Answer: 302|Location: http://z7/a/b\r\n")},
     {{"folder/file", "x"}, {"folder/sub/file", "x"}}},

    {"Inheritance", R"(
        add_header X-Http http; add_header X-Always always always; proxy_set_header X-Outer outer; proxy_hide_header X-Hidden;
        server { proxy_set_header X-Server server;
          location /in { proxy_pass http://%app%; }
          location /own { proxy_set_header X-Own own; add_header X-Own own; proxy_hide_header X-Other; proxy_pass_header Server; proxy_pass http://%app%; }
          location /if { if ($arg_x) { add_header X-If if; } proxy_pass http://%app%; }
          location /type { types { text/x x; } default_type app/y; root %dir%; } })",
     {get("/in", "X-Answer: 200|X-Hidden: h|X-Other: o|Server: s\r\n"), get("/in", "X-Answer: 500|body=x\r\n"), get("/own", "X-Answer: 200|X-Hidden: h|X-Other: o|Server: s\r\n"),
      get("/if?x=1"), get("/if"), get("/type/a.x"), get("/type/a.z"), get("/in", "X-Answer: 404\r\n"), get("/in", "X-Answer: 206\r\n"), get("/in", "X-Answer: 303\r\n")},
     {{"type/a.x", "x"}, {"type/a.z", "z"}}},

    {"RequestsAndCookies", R"(
        server {
          location /body { proxy_set_body "was $request_method $content_length"; proxy_pass http://%app%; }
          location /method { proxy_method PUT; proxy_pass http://%app%; }
          location /nobody { proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_pass http://%app%; }
          location /nohead { proxy_pass_request_headers off; proxy_pass http://%app%; }
          location /cookie { proxy_cookie_domain inner.example outer.example; proxy_cookie_path ~^/app(.*)$ $1; proxy_cookie_flags a secure nohttponly; proxy_pass http://%app%; }
          location /host { proxy_set_header Host $http_host; proxy_pass http://%app%; }
          location /invalid { proxy_pass http://%app%; }
          location /accel { proxy_pass http://%app%; } location /ignore { proxy_ignore_headers X-Accel-Redirect; proxy_pass http://%app%; }
          location /inside { internal; root %dir%; } location @named { return 200 "named $uri"; } })",
     {ask("POST /body", "", "1234"), get("/body"), get("/method"), ask("POST /method", "", "x"), ask("POST /nobody", "", "x"), ask("POST /nohead", "X-A: b\r\n", "x"),
      get("/cookie", "X-Answer: 200|Set-Cookie: a=1; Domain=inner.example; Path=/app/x; HttpOnly|Set-Cookie: b=2; path=/\r\n"), get("/host"),
      get("/invalid", "X_Under: 1\r\nX-Fine: 2\r\n"), get("/accel", "X-Answer: 200|X-Accel-Redirect: /inside/file?q|Content-Type: own/type|Set-Cookie: c=1|X-A: b\r\n"),
      get("/accel", "X-Answer: 200|X-Accel-Redirect: @named\r\n"), get("/accel", "X-Answer: 200|X-Accel-Redirect: /inside/../x\r\n"), get("/ignore", "X-Answer: 200|X-Accel-Redirect: /inside/file|body=kept\r\n"),
      get("/inside/file")},
     {{"inside/file", "secret"}}},

    {"Access", R"(
        server {
          location /allowed { allow 127.0.0.1; deny all; proxy_pass http://%app%; }
          location /denied { deny 127.0.0.0/8; proxy_pass http://%app%; }
          location /first { allow 127.0.0.1; deny 127.0.0.1; proxy_pass http://%app%; }
          location /any { satisfy any; allow 10.0.0.1; deny all; proxy_pass http://%app%; }
          location /except { limit_except GET POST { deny all; } proxy_pass http://%app%; }
          location /page { deny all; error_page 403 =404 /hidden; } location /hidden { return 404 "nothing here"; } })",
     {get("/allowed"), get("/denied"), get("/first"), get("/any"), get("/except"), ask("HEAD /except"), ask("POST /except", "", "x"), ask("PUT /except", "", "x"), get("/page")}},
};

const std::vector<Difference> kDifferences = {
    {"S19Rewrites", "/perm/a%20b", "a decoded blank of a named group is escaped in Location", "/to/a%20b"},
    {"S10TargetsFromVariables", "/re/a%20b", "a decoded blank would end the target of the request: Weir escapes it",
     "GET /a%20b?x=y HTTP/1.1"},
    {"S15Uploads", "PATCH /v2/blob", "nginx counts a chunked body that came with its head; Weir passes it on as it came",
     "Transfer-Encoding: chunked"},
    {"UriReplacement", "/a/../c/x", "a target that names another location than its normal form does goes on in that form: the "
     "backend must not see what no rule saw", "GET /c/x HTTP/1.1"},
    {"S18Errors", "POST /same", "a GET that an error page made of another method has no body", "GET /kept HTTP/1.1\nHost:"},
};

}  // namespace

const std::vector<Shape>& shapes() { return kShapes; }
const std::vector<Difference>& differences() { return kDifferences; }

}  // namespace weir::test

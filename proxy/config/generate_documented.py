#!/usr/bin/env python3
"""Writes documented_directives.inc: names, places and argument counts of the directives that nginx documents.

Usage: generate_documented.py NGINX_ORG_CHECKOUT NGINX_CHECKOUT > documented_directives.inc

Only facts are taken: from the documentation's XML the name, the contexts, whether there is a block; from nginx's
command tables how many arguments are allowed (directives that are not in the source get "any number"), places that the
documentation does not mention, and directives that it does not mention (module "undocumented"). The build does not run
this; run it when nginx documents something new.
"""
import pathlib
import re
import sys

PLACES = {
    "http": {"main": "Main", "events": "Events", "http": "Http", "server": "Server", "location": "Location",
             "if in location": "LocationIf", "if": "ServerIf | LocationIf", "limit_except": "LimitExcept",
             "upstream": "Upstream", "stream": "Stream", "mail": "Mail", "mgmt": "Mgmt",
             "oidc_provider": "OidcProvider", "acme_issuer": "AcmeIssuer"},
    "stream": {"main": "Main", "stream": "Stream", "server": "StreamServer", "upstream": "StreamUpstream"},
    "mail": {"main": "Main", "mail": "Mail", "server": "MailServer"},
}
ORDER = ["Main", "Events", "Http", "Server", "Location", "ServerIf", "LocationIf", "LimitExcept", "Upstream", "Stream",
         "StreamServer", "StreamUpstream", "Mail", "MailServer", "Mgmt", "OidcProvider", "AcmeIssuer"]


FLAGS = {"NGX_MAIN_CONF": "Main", "NGX_EVENT_CONF": "Events", "NGX_HTTP_MAIN_CONF": "Http", "NGX_HTTP_SRV_CONF": "Server",
         "NGX_HTTP_LOC_CONF": "Location", "NGX_HTTP_SIF_CONF": "ServerIf", "NGX_HTTP_LIF_CONF": "LocationIf",
         "NGX_HTTP_LMT_CONF": "LimitExcept", "NGX_HTTP_UPS_CONF": "Upstream", "NGX_STREAM_MAIN_CONF": "Stream",
         "NGX_STREAM_SRV_CONF": "StreamServer", "NGX_STREAM_UPS_CONF": "StreamUpstream", "NGX_MAIL_MAIN_CONF": "Mail",
         "NGX_MAIL_SRV_CONF": "MailServer"}
OTHER_SYSTEMS = ("win32", "kqueue", "devpoll", "eventport", "iocp", "degradation")


def subsystem(path):
    return path.parent.name if path.parent.name in ("stream", "mail") else "http"


def counts(flags):
    """(min, max) arguments for nginx's NGX_CONF_* flags, or None."""
    if "NGX_CONF_ANY" in flags:
        return 0, -1
    for flag, least in (("NGX_CONF_1MORE", 1), ("NGX_CONF_2MORE", 2)):
        if flag in flags:
            return least, -1
    allowed = [0] if "NGX_CONF_NOARGS" in flags else []
    allowed += [1] if "NGX_CONF_FLAG" in flags else []
    for digits in re.findall(r"NGX_CONF_TAKE(\d+)", flags):
        allowed += [int(digit) for digit in digits]
    return (min(allowed), max(allowed)) if allowed else None


def command_tables(source):
    """{(name, subsystem): [least, most, places, block]} of all commands in nginx's source."""
    found = {}
    for path in sorted(source.glob("src/**/*.c")):
        if any(system in str(path) for system in OTHER_SYSTEMS):
            continue
        group = next((g for g in ("stream", "mail") if g in path.parts), "http")
        for name, flags in re.findall(r'ngx_string\("([a-z0-9_]+)"\),\s*((?:NGX_[A-Z0-9_]+\s*\|?\s*)+),',
                                      path.read_text(errors="replace")):
            arity = counts(flags)
            if not arity:
                continue
            places = {place for flag, place in FLAGS.items() if re.search(rf"\b{flag}\b", flags)}
            block = "NGX_CONF_BLOCK" in flags
            # Rows for different places (`server` in `http` and in `upstream`) are kept apart by whether they are blocks.
            row = found.setdefault((name, group, block), [*arity, set()])
            row[0] = min(row[0], arity[0])
            row[1] = -1 if -1 in (row[1], arity[1]) else max(row[1], arity[1])
            row[2] |= places
    return found


def documented(site):
    for path in sorted(site.glob("xml/en/docs/**/*.xml")):
        for name, body in re.findall(r'<directive name="([^"]+)"[^>]*>(.*?)</directive>', path.read_text(), re.S):
            places = PLACES[subsystem(path)]
            contexts = re.findall(r"<context>([^<]*)</context>", body)
            names = set()
            for context in contexts:
                names.update(places[context.strip()].split(" | "))
            yield name, names, 'block="yes"' in body, path.stem.removesuffix("_head"), subsystem(path)


def main():
    site, source = map(pathlib.Path, sys.argv[1:])
    commands = command_tables(source)
    rows = {}
    for name, places, block, module, group in documented(site):
        row = rows.setdefault((name, module), [set(), block, group])
        row[0] |= places
    mentioned = {(name, row[2]) for (name, _), row in rows.items()}
    for (name, group, block), (_, _, places) in commands.items():
        if (name, group) not in mentioned:
            # The documentation of the core mentions `error_log` once for all subsystems.
            core = rows.get((name, "ngx_core_module"))
            row = core or rows.setdefault((name, "undocumented"), [set(), block, group])
            row[0] |= places
        elif block not in {row[1] for (other, _), row in rows.items() if other == name and row[2] == group}:
            sys.exit(f"{name}: documentation and source disagree on whether it is a block")
    print("// Generated by generate_documented.py; do not edit.")
    for (name, module), (places, block, group) in sorted(rows.items()):
        least, most, more = commands.get((name, group, block), (0, -1, set()))
        # Of a name with several rows, each keeps its own places.
        if sum(other == name and row[1:] == [block, group] for (other, _), row in rows.items()) == 1 and places:
            places |= more
        text = " | ".join(place for place in ORDER if place in places) or "Everywhere"
        print(f'{{"{name}", {text}, {{{least}, {most}}}, {str(block).lower()}, "{module}"}},')


main()

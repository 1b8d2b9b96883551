"""Medians, ratios, and the tables."""
import statistics

SATURATED = 0.95  # of a core: above, there was nothing left to gain from it
DISTURBED = 0.05

KEYS = ["requests_per_second", "cpu_us", "p50_us", "p99_us", "rss_mib", "pss_mib", "proxy_busy", "load_busy",
        "foreign_busy", "origin_cpu_us", "packets"]


def summarize(rounds):
    """Of one proxy's rounds: the median of each figure, and (max - min) / median as its spread."""
    result = {"failed": sum(one["failed"] for one in rounds), "rounds": rounds}
    for key in KEYS:
        values = [one[key] for one in rounds]
        median = statistics.median(values)
        result[key] = median
        result[key + "_spread"] = (max(values) - min(values)) / median if median else 0.0
    result["rate"] = rounds[0]["rate"]
    result["limit"] = "rate" if result["rate"] else limit(result)
    return result


def limit(figures):
    """What kept requests per second from being more."""
    if figures["proxy_busy"] >= SATURATED:
        return "proxy"
    if figures["proxy_busy"] + figures["foreign_busy"] >= SATURATED:
        return "others"
    if figures["load_busy"] >= SATURATED:
        return "load"
    return "neither"


def ratios(subject, other):
    """Medians of the ratios round by round: what disturbed both alike drops out. With the range of CPU's."""
    pairs = list(zip(subject["rounds"], other["rounds"]))
    by_key = {key: [a[key] / b[key] if b[key] else float("nan") for a, b in pairs]
              for key in ("cpu_us", "requests_per_second", "p50_us", "p99_us", "rss_mib")}
    result = {key: statistics.median(values) for key, values in by_key.items()}
    return result | {"cpu_us_least": min(by_key["cpu_us"]), "cpu_us_most": max(by_key["cpu_us"])}


def markdown_table(headings, rows):
    rule = ["---" if column < 2 else "--:" for column in range(len(headings))]
    lines = ["| " + " | ".join(headings) + " |", "|" + "|".join(rule) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def figures_table(results):
    rows = []
    for case, proxies in results.items():
        for name, f in proxies.items():
            rows.append([case, name, f"{f['cpu_us']:.2f}", f"±{f['cpu_us_spread'] * 50:.0f} %", f"{f['packets']:.1f}",
                         f"{f['requests_per_second']:,.0f}", f"±{f['requests_per_second_spread'] * 50:.0f} %",
                         f"{f['p50_us']:,.0f}", f"{f['p99_us']:,.0f}", f"{f['rss_mib']:.1f} ({f['pss_mib']:.1f})",
                         f"{f['proxy_busy'] * 100:.0f} %", f"{f['load_busy'] * 100:.0f} %", f["limit"]])
    return markdown_table(["case", "proxy", "CPU µs/request", "", "packets/request", "requests/s", "", "p50 µs", "p99 µs", "RSS (PSS) MiB",
                           "proxy busy", "load busy", "limited by"], rows)


def ratio_table(results, subject):
    rows = []
    for case, proxies in results.items():
        if subject not in proxies:
            continue
        for name, figures in proxies.items():
            if name != subject:
                r = ratios(proxies[subject], figures)
                rows.append([case, f"{subject} ÷ {name}", f"{r['cpu_us']:.2f}",
                             f"{r['cpu_us_least']:.2f}–{r['cpu_us_most']:.2f}", f"{r['requests_per_second']:.2f}",
                             f"{r['p50_us']:.2f}", f"{r['p99_us']:.2f}", f"{r['rss_mib']:.2f}"])
    return markdown_table(["case", "ratio", "CPU/request", "range", "requests/s", "p50", "p99", "RSS"], rows)


def remarks(results):
    """What a reader must know before believing a figure."""
    found = []
    for case, proxies in results.items():
        for name, f in proxies.items():
            if f["failed"]:
                found.append(f"{case}, {name}: {f['failed']} requests failed; the row means little.")
            if f["foreign_busy"] > DISTURBED:
                found.append(f"{case}, {name}: other programs used {f['foreign_busy'] * 100:.0f} % of the proxy's "
                             "core; only the ratios of CPU time mean something.")
            if f["limit"] == "load":
                found.append(f"{case}, {name}: the load generator was the limit, so requests/s is understated.")
            if f["limit"] == "neither":
                found.append(f"{case}, {name}: no core was full; requests/s says little.")
    return found

"""Packet captures (pcap, pcapng): from a trace to one, and from any client's traffic to a trace.

From a file to messages, each step in a module of its own: `files` (packets), `links` and
`segments` (what TCP sent), `streams` (bytes in their order), `talking` (connections),
`decoding` (wire messages), `surveying` (who is who), `importing` (the trace). The other
way: `rebuilding` (messages), `exporting` (connections), `packets` and `writing` (the file).
"""

"""The report: a trace as one page that opens anywhere, offline.

`data.py` makes from a trace what the page shows, as JSON; `page.py` puts it into the
page, whose parts lie in `page/`.
"""

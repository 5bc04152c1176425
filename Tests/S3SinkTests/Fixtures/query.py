"""Answers a query, read from stdin, with ClickHouse's engine: a line a row, tabs between its values."""

import sys

import chdb

sys.stdout.write(str(chdb.query(sys.stdin.read(), "TabSeparated")))

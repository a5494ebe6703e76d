"""From the raw samples of counters to blocks: without extrapolation, and without a guess where a count is in doubt.

Prometheus' `increase` stretches what it saw to the edges of its range and drops what lies between two ranges, which is
right for a graph and wrong for evidence: it makes four events of three. So samples are read as they are and counted
here, series by series. What can't be counted is an `UncountableError`, which is neither good nor bad news.
"""

"""The report for the authority: what a campaign did in a period, in figures that an inspector can check.

history.py computes it from recorded attempts alone; document.py, table.py and pdf.py write it down.
"""

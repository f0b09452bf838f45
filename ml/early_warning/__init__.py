"""Early warning: which open cases will miss their target, and which customers are about to leave.

Belongs here: probabilities of things that have not happened yet, learnt from how such things went before, and how good
those probabilities were later. Not here: control charts (`ml/detection`), what a rule makes of a risk
(`programme/*/triggers`), or reading cases (`casework/targets.py`).
"""

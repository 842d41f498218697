module monoscope/tests/faultproxy

go 1.26.0

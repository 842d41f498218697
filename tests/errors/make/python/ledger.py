#== ledger/__init__.py
#== ledger/books.py
import decimal
from report import number, word, ident, money
⟦+⟧

class LedgerError(Exception):
    pass


class Unbalanced(LedgerError):
    pass


class Account:
    def __init__(self, code):
        self.code = code
        self.currency = None
⟦+⟧
    def convert(self, amount, rates):
        return amount * rates[self.currency]

    def balance_on(self, day, entries):
        return sum(entry.amount for entry in entries if entry.day <= day)


def read_rows(path):
    with open(path) as f:
        return f.read()
⟦+⟧

def load(path):
    try:
        return read_rows(path)
    except OSError as error:
        raise LedgerError("could not load journal " + path) from error
⟦+⟧

def check_balance(journal):
    debit, credit = number(1, 500), number(501, 900)
    if debit != credit:
        raise Unbalanced("journal %s: debit %d, credit %d" % (journal, debit, credit))


def check_period(journal):
    if journal:
        raise LedgerError("journal %s: period %d is closed" % (journal, number(1, 12)))


def parse_amount(text):
    return decimal.Decimal(text)


def post(journal):
    ⟦valid=check_balance(journal)|validate(journal)|check_balance(journal)⟧


def validate(journal):
    check_balance(journal)
    check_period(journal)
#== ledger/jobs.py
import concurrent.futures
from ledger import books
from report import number, word, ident, money
⟦+⟧

def nightly():
    for journal in [ident()]:
        ⟦one=books.post(journal)|post_one(journal)|books.post(journal)⟧


def post_one(journal):
    books.post(journal)


def closing():
    books.post(ident())
⟦+⟧

def reopen():
    books.check_period(ident())


def importer():
    ⟦imp=books.load("/var/spool/ledger/%s.csv" % word())|fetch(word())|books.load("/var/spool/ledger/%s.csv" % word())⟧


def fetch(name):
    return books.load("/var/spool/ledger/%s.csv" % name)


def amounts():
    rows = [word(), word()]
    return [books.parse_amount(⟦row=row|text|cell⟧) for ⟦row=row|text|cell⟧ in rows]


def totals():
    account = books.Account(word())
    return account.convert(number(), {"EUR": 1})


def history():
    account = books.Account(word())
    return account.balance_on(number(), [None])
⟦+⟧

def divide_costs():
    return share(number(100, 900), [])


def share(total, owners):
    return total / len(owners)


def recurse(node):
    return recurse(node["parent"])


def tree():
    node = {}
    node["parent"] = node
    return recurse(node)


def pool(job):
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        return executor.submit(job).result()
#== run.py
from report import report, in_thread, in_loop
from ledger import jobs


def start(job):
    ⟦start=job()|jobs.pool(job)|in_loop(job)⟧


report("unbalanced-journal", lambda: start(⟦jobs.nightly|jobs.closing|jobs.closing⟧))
report("closed-period", lambda: start(jobs.reopen))
report("journal-file-missing", lambda: start(jobs.importer))
report("amount-not-decimal", lambda: start(jobs.amounts))
report("account-without-currency", lambda: start(jobs.totals))
report("entry-is-none", lambda: start(jobs.history))
report("costs-without-owners", lambda: start(jobs.divide_costs))
report("account-tree-loops", lambda: start(jobs.tree))

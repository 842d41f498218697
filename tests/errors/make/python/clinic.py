#== clinic/__init__.py
#== clinic/settings.py
SECRET_KEY = "x"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "clinic.urls"
MIDDLEWARE = ⟦mw=["django.middleware.common.CommonMiddleware"]|["clinic.audit.AuditMiddleware", "django.middleware.common.CommonMiddleware"]|[]⟧
DEBUG_PROPAGATE_EXCEPTIONS = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
#== clinic/audit.py
class AuditMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)
#== clinic/urls.py
from django.urls import path
from clinic import views
urlpatterns = [
    path("visit/<int:n>", views.visit), path("visits", views.visits), path("dose", views.dose), path("dose/plan", views.dose_plan),
    path("letter", views.letter), path("lab", views.lab), path("lab/batch", views.lab_batch), path("ward", views.ward),
    path("patient/<int:n>", views.patient), path("merge", views.merge), path("xray", views.xray)]
#== clinic/records.py
import datetime
from report import number, word, ident, money
⟦+⟧

class DoseTooHigh(ValueError):
    pass


class AllergyConflict(ValueError):
    pass


class Patient:
    def __init__(self, name, born):
        self.name, self.born = name, born
        self.insurer = None
⟦+⟧
    def age(self):
        return datetime.date.today().year - self.born

    def policy(self):
        return self.insurer.policy_number


def ⟦lim=check_limits|assert_safe|check_limits⟧(drug, mg, limit):
    if mg > limit:
        raise DoseTooHigh("%s: %d mg is over the limit of %d mg" % (drug, mg, limit))


def prescribe(patient, drug, mg):
    ⟦lim=check_limits|assert_safe|check_limits⟧(drug, mg, 50)
    return True
⟦+⟧

def prescribe_with(patient, drug, other):
    if drug and other:
        raise AllergyConflict("%s must not be given with %s" % (drug, other))


def parse_result(line):
    name, value, unit = line.split(";")
    return name, float(value), unit


def beds_of(wards, name):
    return wards[name]["beds"]
⟦+⟧

def render_letter(template, values):
    return template.format(**values)


def merge_records(keep, drop):
    assert keep["id"] == drop["id"], "records %d and %d are not of one patient" % (keep["id"], drop["id"])


def read_scan(blob):
    return blob.decode("utf-8")
#== clinic/views.py
from django.http import HttpResponse
from django.db import connection
from clinic import records
from report import number, word, ident, money
⟦+⟧

def visit(request, n):
    patient = records.Patient(word(), str(number(1930, 2010)))
    return HttpResponse(⟦patient.age()|years(patient)|patient.age()⟧)


def visits(request):
    return HttpResponse(str([years(p) for p in [records.Patient(word(), word())]]))


def years(patient):
    return patient.age()
⟦+⟧

def dose(request):
    records.prescribe(None, "drug-" + word(), number(60, 900))


def dose_plan(request):
    for day in range(3):
        ⟦plan=records.prescribe(None, word(), number(60, 900))|plan_day(day)|plan_day(day)⟧


def plan_day(day):
    records.prescribe(None, word(), number(60, 900))
⟦+⟧

def letter(request):
    return HttpResponse(records.render_letter("Dear {name}, your visit {visit}", {"visit": word()}))


def lab(request):
    return HttpResponse(records.parse_result("%s;%d" % (word(), number())))


def lab_batch(request):
    return HttpResponse(list(map(lambda ⟦row=line|row|text⟧: records.parse_result(⟦row=line|row|text⟧), ["%s;%d" % (word(), number())])))


def ward(request):
    return HttpResponse(records.beds_of({"east": {}}, "east"))


def patient(request, n):
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM clinic_patient WHERE id = %s", [n])
    return HttpResponse("ok")


def merge(request):
    records.merge_records({"id": number()}, {"id": number()})


def xray(request):
    records.read_scan(bytes([0x80 + number(1, 60), 0xFF, 0x41]))
#== run.py
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
import django
django.setup()
from django.test import RequestFactory, Client
from report import report, in_thread, number, word
from clinic import records
client = Client()


def hit(path):
    ⟦hit=client.get(path)|in_thread(lambda: client.get(path))|client.get(path)⟧


report("age-of-text-year", lambda: hit("⟦/visit/7|/visits|/visits⟧"))
report("dose-over-limit", lambda: hit("⟦/dose|/dose/plan|/dose/plan⟧"))
report("drugs-conflict", lambda: ⟦conf=records.prescribe_with(None, word(), word())|in_thread(lambda: records.prescribe_with(None, word(), word()))|records.prescribe_with(None, word(), word())⟧)
report("letter-lacks-value", lambda: hit("/letter"))
report("lab-line-short", lambda: hit("⟦/lab|/lab/batch|/lab/batch⟧"))
report("ward-without-beds", lambda: hit("/ward"))
report("patient-table-missing", lambda: hit("/patient/%d" % number()))
report("records-of-two-patients", lambda: hit("/merge"))
report("scan-not-text", lambda: hit("/xray"))
report("patient-uninsured", lambda: ⟦pol=records.Patient(word(), 1980).policy()|in_thread(records.Patient(word(), 1980).policy)|records.Patient(word(), 1980).policy()⟧)

"""A library of books with Django: /books/N and /loans/N are not there (Http404), /fines/N fails (a bug). There is no telemetry in it:
opentelemetry-instrument adds all, as the OTEL_* variables say."""
import os
import sys

from django.core.management import execute_from_command_line
from django.http import Http404, HttpResponse
from django.urls import path


def find(shelf, number):
    raise Http404("no %s has number %d" % (shelf, number))


def book(request, number):
    return HttpResponse(find("book", number))


def loan(request, number):
    return HttpResponse(find("loan", number))


def fine_of(days):
    return 100 / (days - days)


def fine(request, number):
    return HttpResponse("%d" % fine_of(number))


def fines(request, number):
    return HttpResponse("%d" % sum([fine_of(number)]))


urlpatterns = [path("", lambda request: HttpResponse("open")), path("books/<int:number>", book), path("loans/<int:number>", loan),
               path("fines/<int:number>", fine), path("reminders/<int:number>", fines)]

if __name__ == "__main__":
    execute_from_command_line([sys.argv[0], "runserver", "--noreload", "127.0.0.1:" + os.environ["PORT"]])

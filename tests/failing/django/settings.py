"""Django's settings of app.py."""
DEBUG = False
SECRET_KEY = "of a test"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "app"
MIDDLEWARE = []

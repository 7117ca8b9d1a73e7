"""Addresses of the demo's receiving end, mounted only while the demo runs."""

from django.urls import path

from config.demo import views

app_name = "demo"
urlpatterns = [
    path("", views.inspector, name="inspector"),
    path("requests/<int:number>/", views.arrival, name="arrival"),
    path("hook", views.receive, name="hook"),
    path("hook/<path:path>", views.receive, name="hook_path"),
]

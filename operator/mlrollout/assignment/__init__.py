"""The application's side: who is in treatment. Needs neither Kopf nor kubernetes."""

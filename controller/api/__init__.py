"""How people and programs reach the controller: the control socket, later REST and the web pages."""

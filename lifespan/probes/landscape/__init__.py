"""What is the loss like around and between subjects?"""

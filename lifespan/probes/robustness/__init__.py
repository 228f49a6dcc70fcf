"""What does it take to break it?"""
